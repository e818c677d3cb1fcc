import { describe, expect, it } from 'vitest';
import type { PolicyPart } from '../../src/model/pipeline.ts';
import { compileText } from '../support/compile-text.ts';

function plain(part: PolicyPart | undefined): object | undefined {
  if (part === undefined) return undefined;
  const { span: _, variables, changes, ...rest } = part;
  return {
    ...rest,
    ...(variables ? { variables: variables.map(({ value }) => value) } : {}),
    ...(changes ? { changes: changes.paths } : {}),
  };
}

async function policyOf(text: string, file = '.gitlab-ci.yml', before = '') {
  const { job, codes } = await compileText(`${before}a: { script: [make], ${text} }\n`, { file });
  const { refPolicy } = job('a');
  return { only: plain(refPolicy?.only), except: plain(refPolicy?.except), codes };
}

const refs = ['branches', 'tags'];
const workflow = 'workflow: { rules: [{ when: always }] }\n';

describe('only and except', () => {
  it.each([
    ['stage: test', { refs, assumed: true }, undefined],
    ['rules: [{ when: always }]', undefined, undefined],
    ['only: [main, /^v/i, [tags]]', { refs: ['main', '/^v/i', 'tags'] }, undefined],
    ['only: []', { refs: [] }, undefined],
    ['only: { changes: [a, b] }', { changes: ['a', 'b'], refs }, undefined],
    ['only: { variables: [$A, $B == "1"] }', { variables: ['$A', '$B == "1"'], refs }, undefined],
    ['only: { refs: [web], changes: [a] }', { refs: ['web'], changes: ['a'] }, undefined],
    ['except: [tags]', { refs, assumed: true }, { refs: ['tags'] }],
    ['only: [web], except: { changes: [a] }', { refs: ['web'] }, { changes: ['a'] }],
  ])('%s', async (text, only, except) => {
    expect(await policyOf(text)).toEqual({ only, except, codes: [] });
  });

  it('nothing is assumed beside workflow:rules, but refs of an `only` that is written', async () => {
    expect((await policyOf('stage: test', undefined, workflow)).only).toBeUndefined();
    expect(await policyOf('except: [tags]', undefined, workflow)).toMatchObject({
      only: undefined,
      except: { refs: ['tags'] },
    });
    expect((await policyOf('only: { changes: [a] }', undefined, workflow)).only).toEqual({ changes: ['a'], refs });
  });

  it('nothing is assumed in `.ci.yml`', async () => {
    expect((await policyOf('stage: test', '.ci.yml')).only).toBeUndefined();
    expect((await policyOf('only: { changes: [a] }', '.ci.yml')).only).toEqual({ changes: ['a'] });
    expect(await policyOf('except: [tags]', '.ci.yml')).toMatchObject({ only: undefined, except: { refs: ['tags'] } });
  });

  it.each([
    ['only: [/(/]', 'error gitlab/regex'],
    ['only: { variables: ["$A =="] }', 'error gitlab/expression'],
    ['only: {}', 'error gitlab/invalid-value'],
    ['only: { kubernetes: active }', 'warning gitlab/not-run-yet'],
  ])('%s: %s', async (text, code) => {
    expect((await policyOf(text)).codes).toEqual([code]);
  });

  it('are taken from templates', async () => {
    const { job } = await compileText('.x: { only: [tags] }\na: { extends: .x, script: [make] }\n');
    expect(plain(job('a').refPolicy?.only)).toEqual({ refs: ['tags'] });
  });
});
