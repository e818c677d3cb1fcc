import type { RowId } from './catalogue.ts';

/** Rows that have no cases yet. It only ever gets shorter. */
export const pending: ReadonlySet<RowId> = new Set<RowId>([
  'job/inputs',
  'job/inputs:interpolation',
  'job/needs:pipeline',
  'job/needs:project',
  'job/needs:ref',
  'job/trigger',
  'job/trigger:branch',
  'job/trigger:include:component',
  'job/trigger:include:inputs',
  'job/trigger:include:project',
  'job/trigger:include:remote',
  'job/trigger:include:template',
  'job/trigger:inputs',
  'job/trigger:project',
]);
