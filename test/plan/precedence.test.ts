import { describe, expect, it } from 'vitest';
import { sortAndExpand } from '../../src/expressions/sort-and-expand.ts';
import { plan } from '../../src/plan/plan.ts';
import { makeJobSpec } from '../../src/schedule/make-job-spec.ts';
import {
  type ContextWords,
  context,
  given,
  type JobWords,
  job,
  type PipelineWords,
  pipeline,
  type RuleWords,
  selection,
} from '../support/pipeline-builder.ts';

/** What sets `A`, and everything that a level needs for it. */
interface Setting {
  readonly context?: ContextWords;
  readonly pipeline?: PipelineWords;
  readonly job?: JobWords;
  readonly rule?: RuleWords;
  readonly dotenv?: Readonly<Record<string, string>>;
}

/**
 * From the lowest to the highest. Source: https://docs.gitlab.com/ci/variables/#cicd-variable-precedence,
 * lib/gitlab/ci/variables/builder.rb, lib/gitlab/ci/pipeline/seed/build.rb
 */
const levels = {
  predefined: { context: { predefined: { A: 'predefined', CI_COMMIT_BRANCH: 'main' } } },
  global: { pipeline: { variables: { A: 'global' } } },
  'rule of the workflow': { pipeline: { workflowRules: [{ variables: { A: 'rule of the workflow' } }] } },
  job: { job: { variables: { A: 'job' } } },
  matrix: { job: { parallel: [{ A: ['matrix'] }] } },
  rule: { rule: { variables: { A: 'rule' } } },
  dotenv: { dotenv: { A: 'dotenv' } },
  project: { context: { project: given({ A: 'project' }) } },
  pipeline: { context: { pipeline: given({ A: 'pipeline' }) } },
} as const satisfies Readonly<Record<string, Setting>>;

type Level = keyof typeof levels;
const names = Object.keys(levels) as Level[];

/** The value of `A` that the shell of a job gets where all of these levels set it. */
function winner(set: readonly Level[], text = '$A'): string | undefined {
  const settings: readonly Setting[] = set.map((level) => levels[level]);
  const all: Setting = {
    context: Object.assign({}, ...settings.map((one) => one.context)) as ContextWords,
    pipeline: Object.assign({}, ...settings.map((one) => one.pipeline)) as PipelineWords,
    job: Object.assign({}, ...settings.map((one) => one.job)) as JobWords,
    rule: Object.assign({}, ...settings.map((one) => one.rule)) as RuleWords,
    dotenv: Object.assign({}, ...settings.map((one) => one.dotenv)) as Readonly<Record<string, string>>,
  };
  const one = job('a', { ...all.job, variables: { ...all.job?.variables, OTHER: text }, rules: [all.rule ?? {}] });
  const [node] = plan(pipeline([one], all.pipeline), context(all.context), selection()).value!.nodes;
  if (node?.kind !== 'job') throw new Error('no job');
  const spec = makeJobSpec(node, {
    runId: 'r',
    projectPath: 'group/project',
    source: {} as never,
    attempt: 1,
    number: 1,
    variables: [],
    dotenv: given(all.dotenv ?? {}),
    dependencies: [],
    workspaceFrom: [],
  });
  return sortAndExpand(spec.variables).find(({ name }) => name === 'OTHER')?.value;
}

const pairs = names.flatMap((low, at) => names.slice(at + 1).map((high) => [high, low] as const));

describe('precedence', () => {
  it.each(pairs)('%s beats %s', (high, low) => {
    expect(winner([low, high])).toBe(high);
  });

  it.each(names)('%s alone counts', (level) => {
    expect(winner([level])).toBe(level);
  });

  it('the highest of all counts', () => {
    expect(winner(names)).toBe('pipeline');
    expect(winner(names.slice(0, -3), '${A}!')).toBe('rule!');
  });

  it('rules see the same order, but for rules and dotenv, which come later', () => {
    for (const [high, low] of pairs) {
      if ([high, low].some((level) => level === 'rule' || level === 'dotenv')) continue;
      const both = [levels[low], levels[high]] as readonly Setting[];
      const words = Object.assign({}, ...both.map((one) => one.job)) as JobWords;
      const made = pipeline(
        [job('a', { ...words, rules: [{ if: `$A == "${high}"` }] })],
        Object.assign({}, ...both.map((one) => one.pipeline)) as PipelineWords,
      );
      const surroundings = Object.assign({}, ...both.map((one) => one.context)) as ContextWords;
      const [decision] = plan(made, context(surroundings), selection()).value!.decisions;
      expect([high, low, decision?.included]).toEqual([high, low, true]);
    }
  });
});
