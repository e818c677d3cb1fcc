/**
 * Does a path match a pattern of `include:local`? `*` is anything within a name, `**` anything at all, slashes
 * included; nothing else is special, so two stars and a slash match at least one folder.
 * Source: https://docs.gitlab.com/ci/yaml/includes/#use-includelocal-with-wildcard-file-paths
 * Time grows with path times pattern: all places of the pattern are followed side by side.
 */
export function matchWildcardPath(pattern: string, path: string): boolean {
  const tokens = pattern.match(/\*{2}|\*|[^*]/gsu) ?? [];
  let places = closure(tokens, new Set([0]));
  for (const char of path) {
    const next = new Set<number>();
    for (const place of places) {
      const token = tokens[place];
      if (token === '**' || (token === '*' && char !== '/')) next.add(place);
      else if (token === char) next.add(place + 1);
    }
    if (next.size === 0) return false;
    places = closure(tokens, next);
  }
  return places.has(tokens.length);
}

/** The places, and those behind the wildcards that stand there, which may match nothing. */
function closure(tokens: readonly string[], places: ReadonlySet<number>): ReadonlySet<number> {
  const all = new Set(places);
  for (const place of all) if (tokens[place]?.startsWith('*')) all.add(place + 1);
  return all;
}
