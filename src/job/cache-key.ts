import { createHash } from 'node:crypto';
import type { ExecutorName } from '../model/job-spec.ts';
import type { CacheKey } from '../model/step.ts';
import type { JobRun } from './job-run.ts';
import { pathIn } from './session-path.ts';

/** Files of a cache key are read up to this size; a larger one counts as missing. */
const maxKeyFileBytes = 64 * 1024 * 1024;

/**
 * The text of a cache's key at this moment. Keys made of files keep the value they had first in this job.
 * @returns undefined: a template asks for what is not there, and so has been told.
 */
export async function resolveCacheKey(run: JobRun, key: CacheKey): Promise<string | undefined> {
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
 * CircleCI's templates. A key that can't be made is no failure: the cache is left alone.
 * Source: https://circleci.com/docs/guides/optimize/caching/#using-keys-and-templates
 */
async function expandTemplate(run: JobRun, text: string): Promise<string | undefined> {
  let out = '';
  let done = 0;
  for (const match of text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/g)) {
    const value = await templateValue(run, match[1]!);
    if ('problem' in value) {
      await run.log.warning(`the cache key ${text} can't be made: ${value.problem}`);
      return undefined;
    }
    out += text.slice(done, match.index) + value.text;
    done = match.index + match[0].length;
  }
  return out + text.slice(done);
}

type TemplateValue = { readonly text: string } | { readonly problem: string };

async function templateValue(run: JobRun, expression: string): Promise<TemplateValue> {
  const { variables, deps, session } = run;
  const first = (...names: readonly string[]): TemplateValue => ({
    text: names.map((name) => variables.get(name)).find((value) => value !== undefined && value !== '') ?? '',
  });
  const file = /^checksum\s+["'`](.*)["'`]$/.exec(expression)?.[1];
  if (file !== undefined) {
    const path = pathIn(run.spec, session, file);
    const content = await session.files.read(path, maxKeyFileBytes);
    if (content === undefined) return { problem: `there is no file ${path}` };
    return { text: createHash('sha256').update(content).digest('base64') };
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
    case '.CheckoutKey':
      return { text: 'local' };
    case 'epoch':
      return { text: String(Math.floor(deps.clock.now() / 1000)) };
    case 'arch':
      return { text: archOf(deps.runner.platform, deps.executor.name) };
    default:
      return { problem: `there is nothing that {{ ${expression} }} stands for` };
  }
}

/** `linux-amd64`; containers run Linux, whatever this machine does. */
function archOf(platform: string, executor: ExecutorName): string {
  const [system = '', processor = ''] = platform.split('/');
  return `${executor === 'docker' ? 'linux' : system}-${processor}`;
}
