import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/model/context.ts';
import type { PolicyPart, RefPolicy } from '../../src/model/pipeline.ts';
import { evaluatedPolicy, type PolicyWords, part } from '../support/policy.ts';

const tag = { git: { tag: 'v1.2' } };
const mergeRequest = { source: 'merge_request_event', git: { branch: 'topic' } } as const;

describe('refs', () => {
  type Where = { readonly source?: Context['source']; readonly git?: Partial<Context['git']> };
  type Row = readonly [ref: string, where: Where, fits: boolean];
  const rows: readonly Row[] = [
    ['main', {}, true],
    ['mai', {}, false],
    ['branches', {}, true],
    ['tags', {}, false],
    ['pushes', {}, true],
    ['push', {}, true],
    ['schedules', {}, false],
    ['schedules', { source: 'schedule' }, true],
    ['main', { source: 'schedule' }, true],
    ['web', { source: 'web' }, true],
    ['api', { source: 'api' }, true],
    ['triggers', { source: 'trigger' }, true],
    ['pipelines', { source: 'pipeline' }, true],
    ['pipelines', { source: 'parent_pipeline' }, false],
    ['external', {}, false],
    ['tags', tag, true],
    ['branches', tag, false],
    ['v1.2', tag, true],
    ['main', tag, false],
    ['/^v\\d/', tag, true],
    ['/AI/', {}, false],
    ['/AI/i', {}, true],
    ['/^ai/', {}, false],
    ['/(?=m)/', {}, false],
    ['merge_requests', mergeRequest, true],
    ['merge_requests', {}, false],
    ['branches', mergeRequest, false],
    ['topic', mergeRequest, false],
    ['/topic/', mergeRequest, false],
    ['main@group/project', {}, true],
    ['main@group/other', {}, false],
    ['/^ma/@group/project', {}, true],
    ['tags@group/project', tag, true],
    ['/a@b/', { git: { branch: 'a@b' } }, false],
    ['/a\\x40b/', { git: { branch: 'a@b' } }, true],
  ];
  it.each(rows)('%s %j: %s', (ref, where, fits) => {
    expect(evaluatedPolicy({ only: part({ refs: [ref] }) }, where).included).toBe(fits);
    expect(evaluatedPolicy({ except: part({ refs: [ref] }) }, where).included).toBe(!fits);
  });

  it('a commit without a branch is on a branch of no name', () => {
    const nowhere = { noBranch: true } as const;
    expect(evaluatedPolicy({ only: part({ refs: ['branches'] }) }, nowhere).included).toBe(true);
    expect(evaluatedPolicy({ only: part({ refs: ['main', '/./'] }) }, nowhere).included).toBe(false);
  });

  it('an empty list fits nothing', () => {
    expect(evaluatedPolicy({ only: part({ refs: [] }) }).included).toBe(false);
    expect(evaluatedPolicy({ except: part({ refs: [] }) }).included).toBe(true);
  });
});

describe('conditions together', () => {
  const yes: Omit<PolicyPart, 'span'> = { refs: ['tags', 'main'] };
  const no: Omit<PolicyPart, 'span'> = { refs: ['tags'] };
  const vars = (...values: readonly string[]) => ({
    variables: values.map((value) => ({ value, span: part({}).span })),
  });
  const changes = (...paths: readonly string[]) => ({ changes: { paths, span: part({}).span } });
  type Row = readonly [title: string, policy: RefPolicy, included: boolean, because: string, words?: PolicyWords];
  const rows: readonly Row[] = [
    [
      'all of only',
      { only: part({ ...yes, ...vars('$NO', '$V == "1"'), ...changes('x', 'src/*') }) },
      true,
      '`only` holds',
    ],
    ['refs of only', { only: part({ ...no, ...vars('$V') }) }, false, 'no ref of `only` fits branch `main` (push)'],
    [
      'variables of only',
      { only: part({ ...yes, ...vars('$NO') }) },
      false,
      'no expression of `only:variables` is true',
    ],
    ['changes of only', { only: part({ ...yes, ...changes('x') }) }, false, 'no path of `only:changes` has changed'],
    ['nothing to compare', { only: part(changes('x')) }, true, '`only` holds', { changed: undefined }],
    ['kubernetes of only', { only: part({ kubernetes: 'active' }) }, false, '`only:kubernetes` needs a cluster'],
    ['kubernetes of except', { except: part({ kubernetes: 'active' }) }, true, '`except` does not hold'],
    ['one of except', { except: part({ ...no, ...vars('$V') }) }, false, 'an expression of `except:variables` is true'],
    ['changes of except', { except: part({ ...no, ...changes('src/*') }) }, false, '`except:changes` holds'],
    ['none of except', { except: part({ ...no, ...vars('$NO'), ...changes('x') }) }, true, '`except` does not hold'],
    ['both', { only: part(yes), except: part(no) }, true, '`only` holds and `except` does not'],
    ['except wins', { only: part(yes), except: part(yes) }, false, 'a ref of `except` fits branch `main` (push)'],
    ['assumed', { only: part({ refs: ['branches'], assumed: true }) }, true, 'it has no rules'],
    [
      'assumed, but not here',
      { only: part({ refs: ['branches', 'tags'], assumed: true }) },
      false,
      'it has neither rules nor `only`, so it is for branches and tags, not for a merge request of `topic`',
      mergeRequest,
    ],
  ];
  const cases = rows.map(([title, policy, included, because, words = {}]) => ({
    title,
    policy,
    included,
    because,
    words,
  }));
  it.each(cases)('$title', ({ policy, included, because, words }) => {
    const decision = evaluatedPolicy(policy, { variables: { V: '1' }, changed: ['src/a'], ...words });
    expect(decision).toMatchObject({ included, because, when: included ? 'on_success' : 'never' });
    expect(decision.ids).toEqual(included ? ['a'] : []);
  });

  it('does not ask for changes where they do not matter, and tells what it saw', () => {
    const words = { query: { paths: () => [], knowsRevision: () => true, changedPaths: () => expect.unreachable() } };
    const { policy } = evaluatedPolicy({ only: part({ ...no, ...changes('x') }) }, words);
    expect(policy).toMatchObject([
      {
        keyword: 'only',
        holds: false,
        clauses: [{ kind: 'refs', text: 'tags', result: false, values: ['the pipeline is for branch `main` (push)'] }],
      },
    ]);
    evaluatedPolicy({ except: part({ ...yes, ...changes('x') }) }, words);
  });
});
