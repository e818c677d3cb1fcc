import { notRun } from '../keyword.ts';

/** A question before a manual job starts. */
export const manualConfirmation = notRun('manual_confirmation', ['job'], 'starting the job asks nothing');
