import { memoisedCompileRegex, splitPattern } from '../expressions/user-regex.ts';
import type { Context } from '../model/context.ts';
import type { PolicyPart, RefPolicy } from '../model/pipeline.ts';
import type { ClauseTrace, PolicyTrace } from '../model/plan.ts';
import type { FindVariable } from './expand-text.ts';
import type { ClauseJudges } from './judge-clauses.ts';

/** Is a job in by its `only` and `except`? */
export interface PolicyOutcome {
  readonly included: boolean;
  /** Why, one clause. */
  readonly because: string;
  readonly trace: readonly PolicyTrace[];
}

/** Judges `only` and `except` of one job; `find` knows the variables that it may look at. */
export type EvaluatePolicy = (policy: RefPolicy, find: FindVariable) => PolicyOutcome;

/**
 * Makes the judge of `only` and `except` for one plan: all conditions of `only` must hold, and none of `except`.
 * Changed paths are asked for last, and only if they matter. Source: https://docs.gitlab.com/ci/yaml/deprecated_keywords/,
 * lib/gitlab/ci/pipeline/seed/build.rb (`all_of_only?`, `none_of_except?`)
 */
export function policyEvaluator(judges: ClauseJudges, context: Context): EvaluatePolicy {
  const here = describePipeline(context);
  const judge = partJudge(judges, refMatcher(context), here);
  return ({ only, except }, find) => {
    const trace: PolicyTrace[] = [];
    const told = (keyword: PolicyTrace['keyword'], part: PolicyPart, holds: boolean, clauses: readonly ClauseTrace[]) =>
      trace.push({ keyword, span: part.span, assumed: part.assumed === true, holds, clauses });
    if (only) {
      const clauses = judge(only, 'false', find);
      const failed = clauses.find(({ result }) => !result);
      told('only', only, failed === undefined, clauses);
      if (failed) return { included: false, because: whyNotOnly(only, failed, here), trace };
    }
    if (except) {
      const clauses = judge(except, 'true', find);
      const held = clauses.find(({ result }) => result);
      told('except', except, held !== undefined, clauses);
      if (held) return { included: false, because: whyExcept(held, here), trace };
    }
    return { included: true, because: whyIn(only, except), trace };
  };
}

/** Judges one condition after the other until one comes out as `decisive`. */
type JudgePart = (part: PolicyPart, decisive: 'true' | 'false', find: FindVariable) => readonly ClauseTrace[];

function partJudge(judges: ClauseJudges, fits: (ref: string) => boolean, here: string): JudgePart {
  const judgeRefs = (refs: readonly string[]): ClauseTrace => {
    const match = refs.find(fits);
    const values = [match === undefined ? `the pipeline is for ${here}` : `\`${match}\` fits ${here}`];
    return { kind: 'refs', text: refs.join(', '), result: match !== undefined, values };
  };
  return ({ refs, variables, changes, kubernetes }, decisive, find) => {
    const clauses: ClauseTrace[] = [];
    const goesOn = (clause: ClauseTrace): boolean => {
      clauses.push(clause);
      return String(clause.result) !== decisive;
    };
    const cluster: ClauseTrace = { kind: 'kubernetes', text: 'active', result: false, values: ['there is no cluster'] };
    if (refs && !goesOn(judgeRefs(refs))) return clauses;
    if (variables && !goesOn(judgeVariables(judges, variables, find))) return clauses;
    if (kubernetes && !goesOn(cluster)) return clauses;
    if (changes) goesOn(judges.judgeChanges(changes, find));
    return clauses;
  };
}

function judgeVariables(
  { judgeIf }: ClauseJudges,
  expressions: NonNullable<PolicyPart['variables']>,
  find: FindVariable,
): ClauseTrace {
  const values: string[] = [];
  const result = expressions.some(({ value }) => {
    const clause = judgeIf(value, find);
    values.push(...clause.values);
    return clause.result;
  });
  const text = expressions.map(({ value }) => value).join(', ');
  return { kind: 'variables', text, result, values: [...new Set(values)] };
}

function whyIn(only: PolicyPart | undefined, except: PolicyPart | undefined): string {
  if (only && !only.assumed) return except ? '`only` holds and `except` does not' : '`only` holds';
  return except ? '`except` does not hold' : 'it has no rules';
}

function whyNotOnly(only: PolicyPart, { kind }: ClauseTrace, here: string): string {
  if (only.assumed) return `it has neither rules nor \`only\`, so it is for branches and tags, not for ${here}`;
  if (kind === 'refs') return `no ref of \`only\` fits ${here}`;
  if (kind === 'variables') return 'no expression of `only:variables` is true';
  return kind === 'changes' ? 'no path of `only:changes` has changed' : '`only:kubernetes` needs a cluster';
}

function whyExcept({ kind }: ClauseTrace, here: string): string {
  if (kind === 'refs') return `a ref of \`except\` fits ${here}`;
  return kind === 'variables' ? 'an expression of `except:variables` is true' : '`except:changes` holds';
}

type PipelineKind = 'branch' | 'tag' | 'merge-request';

/** A commit without a branch counts as one of a branch whose name is not known. */
function kindOfPipeline({ git, source }: Context): PipelineKind {
  if (source === 'merge_request_event') return 'merge-request';
  return git.tag === undefined ? 'branch' : 'tag';
}

function describePipeline(context: Context): string {
  const { git, source } = context;
  const kind = kindOfPipeline(context);
  if (kind === 'merge-request')
    return git.branch === undefined ? 'a merge request' : `a merge request of \`${git.branch}\``;
  const name =
    kind === 'tag' ? `tag \`${git.tag}\`` : git.branch === undefined ? 'no branch' : `branch \`${git.branch}\``;
  return `${name} (${source})`;
}

/**
 * Does a ref of `only` or `except` stand for this pipeline? Names and patterns never fit merge requests.
 * Source: lib/gitlab/ci/build/policy/refs.rb
 */
function refMatcher(context: Context): (ref: string) => boolean {
  const { git, source, project } = context;
  const kind = kindOfPipeline(context);
  const name = kind === 'tag' ? git.tag : git.branch;
  const compile = memoisedCompileRegex();
  const event = source.replace(/_event$/, '');
  const kinds = new Set([event, pluralOf(event)]);
  if (kind === 'tag') kinds.add('tags');
  if (kind === 'branch') kinds.add('branches');

  return (ref) => {
    // The first `@` counts, also inside of a pattern, where it has to be written as `\x40`.
    const at = ref.indexOf('@');
    const text = at < 0 ? ref : ref.slice(0, at);
    if (at >= 0 && ref.slice(at + 1) !== project.path) return false;
    if (kinds.has(text)) return true;
    if (kind === 'merge-request' || name === undefined) return false;
    const pattern = splitPattern(text);
    if (!pattern) return text === name;
    const regex = compile(pattern.source, pattern.flags);
    return regex.kind === 'regex' && regex.test(name);
  };
}

function pluralOf(event: string): string {
  return event === 'push' ? 'pushes' : `${event}s`;
}
