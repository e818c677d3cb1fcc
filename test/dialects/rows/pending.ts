import type { RowId } from './catalogue.ts';

/** Rows that have no cases yet. It only ever gets shorter. */
export const pending: ReadonlySet<RowId> = new Set<RowId>([]);
