import { globalRows } from './catalogue-global.ts';
import { jobRows } from './catalogue-job.ts';
import { ruleRows } from './catalogue-rules.ts';
import { thingRows } from './catalogue-things.ts';

/**
 * Every keyword and key of GitLab's language, with what it means there. Frozen: a row is added when GitLab's reference
 * gets one, and never removed. Each stands in `docs/gitlab-support.md` and has cases in a `*.rows.ts` beside this file.
 */
export const catalogue = { ...globalRows, ...jobRows, ...thingRows, ...ruleRows } as const;

export type RowId = keyof typeof catalogue;
