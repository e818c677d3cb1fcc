import type { Keyword } from './keyword.ts';
import { keywords } from './keywords/index.ts';
import { languageFeatures } from './language-features.ts';
import type { Parts, Support } from './support.ts';

/** One row of the support matrix. */
export interface SupportRow {
  /** `job/artifacts:when`: the scope or area, the keyword, the path of the key inside of it. */
  readonly id: string;
  readonly support: Support;
}

/**
 * What every keyword, every key inside of one, and every other feature of the language means in a local run; sorted
 * by area, then by name. The documentation and the tests of the language are held against it.
 */
export function supportMatrix(): readonly SupportRow[] {
  const rows: SupportRow[] = keywords.flatMap(rowsOf);
  for (const [id, support] of Object.entries(languageFeatures)) rows.push({ id, support });
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function rowsOf(keyword: Keyword<unknown>): readonly SupportRow[] {
  const { name, scopes, support = { state: 'runs' }, parts = {}, partsAt = {}, partsListedAs } = keyword;
  // A workflow's rules are parts of `workflow`.
  const whole = scopes.filter((scope) => scope !== 'workflow').map((scope) => ({ id: `${scope}/${name}`, support }));
  const others = Object.entries(partsAt).map(([scope, own]) => partRows(`${scope}/${name}:`, own));
  return [...whole, ...partRows(partsListedAs ?? `${scopes[0]}/${name}:`, parts), ...others.flat()];
}

function partRows(before: string, parts: Parts): readonly SupportRow[] {
  return Object.entries(parts).map(([path, support]) => ({ id: `${before}${path}`, support }));
}
