import { notRun } from '../keyword.ts';

/** The header document that declares inputs. */
export const spec = notRun('spec', ['header'], 'values like `$[[ inputs.name ]]` stay as they are');
