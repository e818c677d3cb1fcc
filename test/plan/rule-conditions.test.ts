import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import type { ProjectCheckouts } from '../../src/model/included-file.ts';
import type { ExistsCondition } from '../../src/model/pipeline.ts';
import type { Decision } from '../../src/model/plan.ts';
import { changesJudge, existsJudge } from '../../src/plan/judge-paths.ts';
import { plan } from '../../src/plan/plan.ts';
import {
  type ContextWords,
  context,
  type JobWords,
  job,
  type PipelineWords,
  pipeline,
  selection,
  span,
} from '../support/pipeline-builder.ts';

const nothing = (): undefined => undefined;

function query(words: ContextWords) {
  return context(words).query;
}

function files(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `src/${String(i).padStart(6, '0')}.c`);
}

describe('changes', () => {
  const judge = (changed: readonly string[] | undefined, paths: readonly string[], compareTo?: string) => {
    const diagnostics: Diagnostic[] = [];
    const judged = changesJudge(query({ changed, revisions: ['main'] }), (one) => diagnostics.push(one));
    const condition = { paths, span: span(), ...(compareTo === undefined ? {} : { compareTo }) };
    return { trace: judged(condition, nothing), codes: diagnostics.map(({ code }) => code) };
  };

  it.each<readonly [string, readonly string[] | undefined, readonly string[], boolean]>([
    ['a pattern fits', ['a/b.c'], ['x', 'a/*.c'], true],
    ['none fits', ['a/b.c'], ['*.c', 'a'], false],
    ['nothing has changed', [], ['**/*'], false],
    ['there is nothing to compare with', undefined, ['nope'], true],
    ['there are no patterns', ['a'], [], false],
    ['a star does not match a slash', ['a/b'], ['*'], false],
    ['a star matches dotfiles', ['.env'], ['*'], true],
    ['`**/` matches any depth', ['a/b/c.md'], ['**/*.md'], true],
    ['`**/` matches none', ['c.md'], ['**/*.md'], true],
    ['`**` at the end is a star', ['a/b/c'], ['a/**'], false],
    ['braces', ['a.ts'], ['*.{js,ts}'], true],
    ['brackets', ['a1'], ['a[0-9]'], true],
    ['a question mark', ['ab'], ['a?'], true],
    ['a folder is no file', ['docs/a'], ['docs', 'docs/'], false],
  ])('%s', (_, changed, paths, expected) => {
    expect(judge(changed, paths).trace.result).toBe(expected);
  });

  it('is true beyond 50,000 comparisons', () => {
    expect(judge(files(25_000), ['x', 'y']).trace.result).toBe(false);
    const { trace } = judge(files(25_001), ['x', 'y']);
    expect(trace).toMatchObject({ result: true, values: [expect.stringContaining('50,000')] });
  });

  it('refuses a ref that does not exist', () => {
    expect(judge(['a'], ['a'], 'main')).toMatchObject({ trace: { result: true }, codes: [] });
    expect(judge(['a'], ['a'], 'mian')).toMatchObject({ trace: { result: false }, codes: ['plan/unknown-revision'] });
  });
});

describe('exists', () => {
  const projects: ProjectCheckouts = {
    directory: (name) => (name === 'group/lib' ? '/lib' : undefined),
    paths: (name, ref) => {
      if (name !== 'group/lib') return undefined;
      return ref === undefined ? ['working'] : ref === 'v1' ? ['tagged'] : undefined;
    },
  };
  const judge = (paths: readonly string[], words: Omit<ExistsCondition, 'span'>) => {
    const codes: string[] = [];
    const judged = existsJudge(query({ paths }), projects, ({ code }) => codes.push(code));
    const { result, values } = judged({ ...words, span: span() }, (name) =>
      name === 'LIB' ? { name, value: 'group/lib' } : undefined,
    );
    return [result, values[0], ...codes];
  };

  it.each<readonly [readonly string[], readonly string[], boolean]>([
    [['Dockerfile'], ['Dockerfile'], true],
    [['docker/Dockerfile'], ['Dockerfile'], false],
    [['docker/Dockerfile'], ['**/Dockerfile'], true],
    [['src/a.c'], ['src'], false],
    [['src/a.c'], ['src/'], false],
    [['src/a.c'], ['*.c'], false],
    [['src/a.c'], ['**/*.c'], true],
    [['a.c'], ['**/*.c'], true],
    [['a.c'], [], false],
    [['a.c'], ['/a.c'], false],
    [['a.c'], ['./a.c'], false],
  ])('of %j: %j is %s', (paths, patterns, expected) => {
    expect(judge(paths, { paths: patterns })[0]).toBe(expected);
  });

  it('is true beyond 10,000 comparisons with patterns', () => {
    expect(judge(files(10_000), { paths: ['src/*.h'] })[0]).toBe(false);
    expect(judge(files(10_001), { paths: ['src/*.h'] })).toEqual([true, expect.stringContaining('10,000')]);
    expect(judge(files(5_001), { paths: ['src/*.h', 'lib/*.h'] })[0]).toBe(true);
    // A match that comes sooner counts as one; plain paths, extensions and names without a slash cost nothing.
    expect(judge(files(20_000), { paths: ['src/*9.c'] })).toEqual([true, 'found: src/000009.c']);
    expect(judge(files(20_000), { paths: ['src/nope.c', '**/*.h', '*.h'] })[0]).toBe(true);
    expect(judge(files(20_000), { paths: ['src/nope.c', '**/*.h'] })[0]).toBe(false);
    expect(judge(files(20_000), { paths: ['*.h', 'nope'] })[0]).toBe(false);
  });

  it.each<readonly [Omit<ExistsCondition, 'span'>, readonly unknown[]]>([
    [{ paths: ['working'], project: 'group/lib' }, [true, 'found: working']],
    [{ paths: ['working'], project: '$LIB' }, [true, 'found: working']],
    [{ paths: ['tagged'], project: 'group/lib', ref: 'v1' }, [true, 'found: tagged']],
    [{ paths: ['working'], project: 'group/lib', ref: 'v1' }, [false, 'no such file']],
    [{ paths: ['x'], project: 'group/lib', ref: 'v2' }, [false, 'group/lib has no v2', 'plan/unknown-revision']],
    [
      { paths: ['own'], project: 'group/none' },
      [false, 'the project group/none is not on this machine', 'plan/project-not-mapped'],
    ],
  ])('looks into another project: %j', (words, expected) => {
    expect(judge(['own'], words)).toEqual(expected);
  });
});

describe('what rules see', () => {
  const decisionOf = (words: JobWords, pipelineWords: PipelineWords = {}): Decision => {
    const result = plan(pipeline([job('unit test', words)], pipelineWords), context(), selection());
    return result.value!.decisions[0]!;
  };

  it.each<readonly [string, JobWords]>([
    ['$CI_JOB_NAME == "unit test"', {}],
    ['$CI_JOB_NAME_SLUG == "unit-test"', {}],
    ['$CI_JOB_GROUP_NAME == "unit test"', {}],
    ['$CI_JOB_STAGE == "build"', { stage: 'build' }],
    ['$CI_NODE_TOTAL == "1" && $CI_NODE_INDEX == null', {}],
    ['$CI_NODE_TOTAL == "3" && $CI_NODE_INDEX == "1" && $CI_JOB_NAME == "unit test 1/3"', { parallel: 3 }],
    ['$CI_JOB_MANUAL == "true"', { when: 'manual' }],
    ['$CI_JOB_MANUAL == null', {}],
    ['$CI_ENVIRONMENT_NAME == null', {}],
    ['$CI_ENVIRONMENT_NAME == "review/main"', { environment: { name: 'review/$CI_COMMIT_BRANCH', action: 'start' } }],
    ['$CI_ENVIRONMENT_TIER == "production"', { environment: { name: 'live', action: 'stop' } }],
    ['$CI_ENVIRONMENT_ACTION == "stop"', { environment: { name: 'live', action: 'stop' } }],
    ['$CI_ENVIRONMENT_SLUG == null', { environment: { name: 'live', action: 'start' } }],
    ['$CI_JOB_ID == null && $CI_JOB_TIMEOUT == null && $CI_JOB_IMAGE == null', { image: 'alpine' }],
    // The file's own variables win over what is predefined.
    ['$CI_JOB_STAGE == "own"', { variables: { CI_JOB_STAGE: 'own' } }],
  ])('%s', (text, words) => {
    expect(decisionOf({ ...words, rules: [{ if: text }] }).included, text).toBe(true);
  });

  it('workflow:rules see no job', () => {
    const words = { workflowRules: [{ if: '$CI_JOB_NAME', when: 'never' }, {}] } as const;
    expect(decisionOf({}, words).included).toBe(true);
  });

  it('`changes` and `exists` see them too', () => {
    const result = plan(
      pipeline([job('lint', { rules: [{ exists: ['ci/$CI_JOB_NAME.sh'] }] })]),
      context({ paths: ['ci/lint.sh'] }),
      selection(),
    );
    expect(result.value?.decisions[0]?.included).toBe(true);
  });
});

describe('workflow', () => {
  const planned = (words: PipelineWords) => plan(pipeline([job('a')], words), context(), selection()).value;

  it('the rule that matches says what a failed job does to the others', () => {
    const rules = [{ if: '$CI_COMMIT_BRANCH == "main"', autoCancelOnJobFailure: 'all' }, { when: 'always' }] as const;
    expect(planned({ workflowRules: rules })?.autoCancelOnJobFailure).toBe('all');
    expect(planned({ workflowRules: rules.slice(1) })?.autoCancelOnJobFailure).toBe('none');
  });

  it('tells what became of its rules', () => {
    const value = planned({ workflowRules: [{ if: '$NO' }, { if: '$CI_COMMIT_BRANCH', when: 'never' }, {}] });
    expect(value?.leftOutBecause).toBe('workflow rule 2 says `when: never`');
    expect(value?.workflow?.map(({ result }) => result)).toEqual(['not-matched', 'matched', 'not-reached']);
    expect(planned({})?.workflow).toBeUndefined();
  });
});
