/**
 * The line, from 1, on which a TOML file sets a key, for messages: the parser does not tell. Undefined where it is not
 * written in the plain way.
 * @param path the key with the tables around it; a number behind a name: which one of a list of tables, from 0.
 */
export function tomlLine(text: string, path: readonly (string | number)[]): number | undefined {
  const met = new Map<string, number>();
  let table: readonly (string | number)[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*(\[\[?)([^\]]+)\]\]?\s*(#.*)?$/.exec(line);
    const assigned = header === null ? /^\s*([^=#]+?)\s*=/.exec(line) : null;
    if (header !== null) table = withPlaces(keyParts(header[2]!), header[1] === '[[', met);
    else if (assigned === null) continue;
    const key = assigned === null ? table : [...table, ...keyParts(assigned[1]!)];
    if (isBelow(key, path)) return index + 1;
  }
  return undefined;
}

/** Puts the place behind each name of a list of tables: `runners.docker` → runners, 1, docker. */
function withPlaces(names: readonly string[], isItem: boolean, met: Map<string, number>): readonly (string | number)[] {
  let above = '';
  return names.flatMap((name, at) => {
    above += `/${name}`;
    if (isItem && at === names.length - 1) met.set(above, (met.get(above) ?? -1) + 1);
    const place = met.get(above);
    if (place === undefined) return [name];
    above += `/${place}`;
    return [name, place];
  });
}

/** Places that the path does not ask for are passed over. */
function isBelow(key: readonly (string | number)[], path: readonly (string | number)[]): boolean {
  let at = 0;
  for (const part of path) {
    if (typeof key[at] === 'number' && typeof part === 'string') at += 1;
    if (key[at] !== part) return false;
    at += 1;
  }
  return true;
}

/** `docker . "tmpfs"` → docker, tmpfs. */
function keyParts(key: string): readonly string[] {
  return key.split('.').map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'));
}
