import { describe, expect, it } from 'vitest';
import type { CacheKey, RestoreCacheStep } from '../../src/model/step.ts';
import { type CacheKeyFacts, withCacheKeys } from '../../src/schedule/cache-keys.ts';

const commits: Readonly<Record<string, string>> = { 'go.sum': 'b'.repeat(40), 'go.mod': 'a'.repeat(40) };
const facts: CacheKeyFacts = {
  lastCommit: (path) => commits[path],
  paths: () => ['a/package.json', 'package.json', 'src/x.ts', 'vendor/deep/package.json'],
};

function keyOf(key: CacheKey, given: CacheKeyFacts | undefined = facts): CacheKey | undefined {
  const base = { phase: 'prepare', when: 'on_success', match: 'exact', paths: ['x'] } as const;
  const step: RestoreCacheStep = { kind: 'restore-cache', keys: [key], ...base };
  const [made] = withCacheKeys([step], given);
  return made?.kind === 'restore-cache' ? made.keys[0] : undefined;
}

describe('cache keys at dispatch', () => {
  it('of commits are one text, whatever the order of the files', () => {
    const one = keyOf({ kind: 'commits', files: ['go.sum', 'go.mod'], prefix: '$CI_JOB_NAME' });
    expect(one).toEqual({ kind: 'text', text: expect.stringMatching(/^\$CI_JOB_NAME-[0-9a-f]{40}$/) });
    expect(keyOf({ kind: 'commits', files: ['go.mod', 'go.sum', 'missing'], prefix: '$CI_JOB_NAME' })).toEqual(one);
    expect(keyOf({ kind: 'commits', files: ['go.mod'] })).not.toEqual(keyOf({ kind: 'commits', files: ['go.sum'] }));
  });

  it('of commits are `default` where no file was ever committed', () => {
    expect(keyOf({ kind: 'commits', files: ['missing'] })).toEqual({ kind: 'text', text: 'default' });
    expect(
      keyOf({ kind: 'commits', files: ['go.sum'], prefix: 'p' }, { ...facts, lastCommit: () => undefined }),
    ).toEqual({
      kind: 'text',
      text: 'p-default',
    });
  });

  it('of files have what their patterns match, each once', () => {
    expect(keyOf({ kind: 'files', files: ['**/package.json', 'package.json', 'lock'] })).toEqual({
      kind: 'files',
      files: ['a/package.json', 'package.json', 'vendor/deep/package.json', 'lock'],
    });
  });

  it('leave steps without such keys as they are', () => {
    const steps = [{ kind: 'download-artifacts', phase: 'prepare', when: 'on_success' }] as const;
    expect(withCacheKeys(steps, facts)).toBe(steps);
  });
});
