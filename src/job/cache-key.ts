import { createHash } from 'node:crypto';
import type { CacheKey } from '../model/step.ts';
import type { JobRun } from './job-run.ts';

/** Files of a cache key are read up to this size; a larger one counts as missing. */
const maxKeyFileBytes = 64 * 1024 * 1024;

/** The text of a cache's key at this moment. Keys made of files keep the value they had first in this job. */
export async function resolveCacheKey(run: JobRun, key: CacheKey): Promise<string> {
  switch (key.kind) {
    case 'text': {
      const text = run.variables.expand(key.text).trim();
      return text === '' ? 'default' : text;
    }
    case 'files': {
      const identity = JSON.stringify(key);
      const known = run.cacheKeys.get(identity);
      if (known !== undefined) return known;
      const made = await keyOfFiles(run, key);
      run.cacheKeys.set(identity, made);
      return made;
    }
    case 'commits':
      throw new Error('keys of commits are worked out when a job is handed out');
    case 'template':
      return expandTemplate(run, key.text);
  }
}

/**
 * GitLab: the order of the files and how often they are named does not matter, those that are missing count for nothing, and if all are
 * missing the key is `default`. Source: lib/gitlab/ci/pipeline/seed/build/cache.rb
 */
async function keyOfFiles(run: JobRun, key: Extract<CacheKey, { readonly kind: 'files' }>): Promise<string> {
  const digests = new Set<string>();
  for (const file of key.files) {
    const content = await run.session.files.read(run.variables.expand(file), maxKeyFileBytes);
    if (content !== undefined) digests.add(createHash('sha256').update(content).digest('hex'));
  }
  const all = [...digests].sort().join('-');
  const text = all === '' ? 'default' : createHash('sha256').update(all).digest('hex').slice(0, 40);
  const prefix = key.prefix === undefined ? '' : run.variables.expand(key.prefix);
  return prefix === '' ? text : `${prefix}-${text}`;
}

/**
 * CircleCI's templates. Source: https://circleci.com/docs/caching/#using-keys-and-templates
 */
async function expandTemplate(run: JobRun, text: string): Promise<string> {
  let out = '';
  let done = 0;
  for (const match of text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/g)) {
    out += text.slice(done, match.index) + (await templateValue(run, match[1]!));
    done = match.index + match[0].length;
  }
  return out + text.slice(done);
}

async function templateValue(run: JobRun, expression: string): Promise<string> {
  const { variables, deps } = run;
  const first = (...names: readonly string[]): string => {
    for (const name of names) {
      const value = variables.get(name);
      if (value !== undefined && value !== '') return value;
    }
    return '';
  };
  const file = /^checksum\s+["'`](.*)["'`]$/.exec(expression)?.[1];
  if (file !== undefined) {
    const content = await run.session.files.read(variables.expand(file), maxKeyFileBytes);
    if (content === undefined) await run.log.warning(`cache key: ${file} is not there, its checksum is empty`);
    return content === undefined ? '' : createHash('sha256').update(content).digest('base64');
  }
  const environment = /^\.Environment\.(\w+)$/.exec(expression)?.[1];
  if (environment !== undefined) return first(environment);
  switch (expression) {
    case '.Branch':
      return first('CIRCLE_BRANCH', 'CI_COMMIT_BRANCH', 'CI_COMMIT_REF_NAME');
    case '.Revision':
      return first('CIRCLE_SHA1', 'CI_COMMIT_SHA');
    case '.BuildNum':
      return first('CIRCLE_BUILD_NUM', 'CI_JOB_ID');
    case 'epoch':
      return String(Math.floor(deps.clock.now() / 1000));
    case 'arch':
      return deps.runner.platform.replace('/', '-');
    default:
      await run.log.warning(`cache key: {{ ${expression} }} is not known and stands for nothing`);
      return '';
  }
}
