import { defaultTokenPrefixes } from '../../masking/masker.ts';

/** More are not looked for, as the reference does. */
const mostPrefixes = 15;

/**
 * The beginnings of tokens that a job's log must not show.
 * @param given.own `features.token_mask_prefixes` of the job.
 * @param given.defaults `all` of GitLab's own, or personal access tokens alone (FF_MASK_ALL_DEFAULT_TOKENS is off).
 */
export function jobTokenPrefixes(given: {
  readonly own: readonly string[];
  readonly defaults: 'all' | 'personal';
}): readonly string[] {
  const defaults = given.defaults === 'all' ? defaultTokenPrefixes : ['glpat-'];
  const all = [...new Set([...defaults, ...given.own.map((prefix) => prefix.trim())])].filter(
    (prefix) => prefix !== '',
  );
  return all.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, mostPrefixes);
}
