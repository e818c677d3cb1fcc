import { createHash } from 'node:crypto';
import type { CacheKey, Step } from '../model/step.ts';
import { compileGlob } from '../util/glob.ts';

/** What cache keys want to know of the repository. */
export interface CacheKeyFacts {
  /** The last commit that changed a path, relative to the project root; undefined: none, or there is no repository. */
  lastCommit(path: string): string | undefined;
  /** All paths that a job sees. */
  paths(): readonly string[];
}

/** Steps whose cache keys need nothing more of the repository: patterns have become paths, commits a text. */
export function withCacheKeys(steps: readonly Step[], facts: CacheKeyFacts | undefined): readonly Step[] {
  if (!steps.some((step) => isCacheStep(step))) return steps;
  return steps.map((step) => {
    switch (step.kind) {
      case 'restore-cache':
        return { ...step, keys: step.keys.map((key) => settled(key, facts)) };
      case 'save-cache':
        return { ...step, key: settled(step.key, facts) };
      default:
        return step;
    }
  });
}

function isCacheStep(step: Step): boolean {
  return step.kind === 'restore-cache' || step.kind === 'save-cache';
}

/** Source: lib/gitlab/ci/pipeline/seed/build/cache.rb */
function settled(key: CacheKey, facts: CacheKeyFacts | undefined): CacheKey {
  if (key.kind === 'files') {
    if (!key.files.some((file) => file.includes('*'))) return key;
    return { ...key, files: [...new Set(key.files.flatMap((file) => matches(file, facts)))] };
  }
  if (key.kind !== 'commits') return key;
  const commits = new Set(key.files.flatMap((file) => facts?.lastCommit(file) ?? []));
  const digest = createHash('sha1')
    .update([...commits].sort().join('-'))
    .digest('hex');
  const { prefix = '' } = key;
  return { kind: 'text', text: `${prefix === '' ? '' : `${prefix}-`}${commits.size === 0 ? 'default' : digest}` };
}

function matches(pattern: string, facts: CacheKeyFacts | undefined): readonly string[] {
  if (!pattern.includes('*')) return [pattern];
  const test = compileGlob(pattern, { dialect: 'doublestar' });
  return facts?.paths().filter(test) ?? [];
}
