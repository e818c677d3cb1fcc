import type { Context } from '../../src/model/context.ts';
import type { PolicyPart, RefPolicy } from '../../src/model/pipeline.ts';
import type { Decision } from '../../src/model/plan.ts';
import { plan } from '../../src/plan/plan.ts';
import { type ContextWords, context, job, pipeline, selection, span } from './pipeline-builder.ts';

/** Conditions of `only` or `except` with a place of their own. */
export function part(words: Omit<PolicyPart, 'span'>): PolicyPart {
  return { span: span(), ...words };
}

export interface PolicyWords extends ContextWords {
  readonly source?: Context['source'];
  readonly git?: Partial<Context['git']>;
  readonly noBranch?: true;
  /** Of the job. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What a plan makes of the job `a` that has this policy and stands beside a job without one. */
export function evaluatedPolicy(refPolicy: RefPolicy, words: PolicyWords = {}): Decision {
  const base = context(words);
  const { branch, ...rest } = base.git;
  const git = { ...rest, ...(words.noBranch || branch === undefined ? {} : { branch }), ...words.git };
  const jobs = [job('always'), job('a', { refPolicy, variables: words.variables ?? {} })];
  const made = plan(pipeline(jobs), { ...base, git, source: words.source ?? base.source }, selection());
  return made.value!.decisions[1]!;
}
