import type { Report } from '../../diagnostics/diagnostic.ts';
import type { Step } from '../../model/step.ts';
import type { MapNode } from '../../syntax/node.ts';
import type { ScalarRules } from '../../syntax/parse.ts';
import type { Reading } from './reading.ts';

/** What sets a dialect with GitLab's words apart from GitLab's own. */
export interface Vocabulary {
  readonly schema: 'gitlab' | 'ci';
  readonly scalars: ScalarRules;
  /** Brings one file, before anything is merged, into GitLab's shape. */
  readonly normalise: (file: MapNode, report: Report) => MapNode;
  /** The steps of a job that are not written as a script; undefined: GitLab's own way. */
  readonly readSteps: (job: JobText) => OwnSteps | undefined;
  /** For which refs a job is that does not say so. Absent: for any. */
  readonly defaultRefs?: readonly string[];
}

/** One job as it stands in the file, merged and resolved. */
export interface JobText {
  readonly name: string;
  readonly node: MapNode;
  readonly reading: Reading;
  /** The value of a variable as far as it is known while the file is read. */
  readonly variable: (name: string) => string | undefined;
}

/** Steps that the user wrote one by one, between caches and artifacts of the job, which stay GitLab's. */
export interface OwnSteps {
  readonly steps: readonly Step[];
}

/** GitLab's own language. */
export const gitlabVocabulary: Vocabulary = {
  schema: 'gitlab',
  scalars: 'yaml-1.1',
  normalise: (file) => file,
  readSteps: () => undefined,
  defaultRefs: ['branches', 'tags'],
};
