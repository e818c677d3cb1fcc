import type { CacheKey, RestoreCacheStep, SaveCacheStep } from '../../../model/step.ts';
import type { MapEntry, MapNode, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { booleanField, field, flatItems, kindOf, readText, textField, textsField, wordField } from '../values.ts';

/** Words of `cache:when` and `artifacts:when`. Source: https://docs.gitlab.com/ci/yaml/#cachewhen */
export const stepWhens = ['on_success', 'on_failure', 'always'] as const;
const mostCaches = 4;

/** One cache as its two steps; a policy of `pull` or `push` leaves one of them out. */
export interface CacheSteps {
  readonly restore?: RestoreCacheStep;
  readonly save?: SaveCacheStep;
}

/** What the job finds again next time: one to four caches. */
export const cache: Keyword<readonly CacheSteps[]> = {
  name: 'cache',
  scopes: ['job', 'default', 'global'],
  parts: {
    ...runs(
      'key',
      'key:files',
      'key:files_commits',
      'key:prefix',
      'paths',
      'untracked',
      'policy',
      'when',
      'fallback_keys',
    ),
    unprotect: simulated('as if it were true: all branches share the caches of this machine'),
  },
  read: (entry, reading) => {
    const items = flatItems(entry.value, 'cache', reading);
    if (items.length > mostCaches) {
      invalidValue(reading, entry.value.span, `a job may have at most ${mostCaches} caches, not ${items.length}`);
    }
    return items.flatMap((item) => readCache(item, reading) ?? []);
  },
};

function readCache(node: Node, reading: Reading): CacheSteps | undefined {
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `\`cache\` must be a map or a list of maps, not ${kindOf(node)}`);
    return undefined;
  }
  const paths = textsField(node, 'paths', 'cache:paths', reading) ?? [];
  const untracked = booleanField(node, 'untracked', 'cache:untracked', reading) ?? false;
  const key = readKey(node, reading);
  const fallback = readFallbackKeys(node, reading);
  const policy = textField(node, 'policy', 'cache:policy', reading) ?? 'pull-push';
  const when = wordField(node, 'when', 'cache:when', stepWhens, reading) ?? 'on_success';
  if (!policy.includes('$') && !['pull', 'push', 'pull-push'].includes(policy)) {
    const { span } = field(node, 'policy')!.value;
    invalidValue(reading, span, `\`cache:policy\` must be pull, push, pull-push or a variable, not \`${policy}\``);
  }
  // Without paths there is nothing to keep, as `cache: {}` that takes a default away.
  if (paths.length === 0 && !untracked) return undefined;
  const byVariable = policy.includes('$') ? { policy } : {};
  const restore: RestoreCacheStep = {
    kind: 'restore-cache',
    phase: 'prepare',
    when: 'on_success',
    keys: [key, ...fallback],
    match: 'exact',
    paths,
    ...byVariable,
  };
  const save: SaveCacheStep = {
    kind: 'save-cache',
    phase: 'finish',
    when,
    key,
    paths,
    untracked,
    overwrite: true,
    ...byVariable,
  };
  return { ...(policy === 'push' ? {} : { restore }), ...(policy === 'pull' ? {} : { save }) };
}

function readKey(node: MapNode, reading: Reading): CacheKey {
  const entry = field(node, 'key');
  if (entry === undefined) return { kind: 'text', text: 'default' };
  if (entry.value.kind === 'map') return readFilesKey(entry.value, reading);
  const text = readText(entry.value, 'cache:key', reading) ?? 'default';
  checkKey(entry, text, reading);
  return { kind: 'text', text: text === '' ? 'default' : text };
}

function readFilesKey(node: MapNode, reading: Reading): CacheKey {
  const commits = field(node, 'files_commits');
  const name = commits ? 'files_commits' : 'files';
  const files = textsField(node, name, `cache:key:${name}`, reading);
  const prefix = textField(node, 'prefix', 'cache:key:prefix', reading);
  if (files === undefined) {
    invalidValue(reading, node.span, '`cache:key` must be a text or have `files`');
    return { kind: 'text', text: prefix ?? 'default' };
  }
  return { kind: commits ? 'commits' : 'files', files, ...(prefix === undefined ? {} : { prefix }) };
}

function readFallbackKeys(node: MapNode, reading: Reading): readonly CacheKey[] {
  const entry = field(node, 'fallback_keys');
  if (entry === undefined) return [];
  const keys = textsField(node, 'fallback_keys', 'cache:fallback_keys', reading) ?? [];
  for (const key of keys) checkKey(entry, key, reading);
  return keys.map((text) => ({ kind: 'text', text }));
}

/** Source: https://docs.gitlab.com/ci/yaml/#cachekey */
function checkKey(entry: MapEntry, text: string, reading: Reading): void {
  const problem = /\/|%2f/i.test(text)
    ? 'may not contain `/` or `%2F`'
    : /^(\.|%2e)+$/i.test(text)
      ? 'may not consist of dots alone'
      : undefined;
  if (problem === undefined) return;
  reading.report({
    code: 'gitlab/cache-key',
    severity: 'error',
    message: `the cache key \`${text}\` ${problem}`,
    span: entry.value.span,
  });
}
