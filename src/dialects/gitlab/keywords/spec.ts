import { notRun } from '../keyword.ts';

/** The header document that declares inputs. */
export const spec = notRun(
  'spec',
  ['header'],
  'inputs get their given or default values, which are not checked, and functions are not applied',
  [
    'inputs',
    'inputs:type',
    'inputs:default',
    'inputs:options',
    'inputs:regex',
    'inputs:description',
    'inputs:rules',
    'inputs:rules:if',
    'inputs:rules:options',
    'inputs:rules:default',
    'component',
    'include',
    'description',
  ],
);
