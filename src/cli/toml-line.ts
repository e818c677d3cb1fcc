/**
 * The line, from 1, on which a TOML file sets a key, for messages: the parser does not tell. Undefined where it is not
 * written in the plain way.
 * @param path the key with the tables around it.
 */
export function tomlLine(text: string, path: readonly string[]): number | undefined {
  let table: readonly string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[\[?([^\]]+)\]\]?\s*(#.*)?$/.exec(line);
    const assigned = header === null ? /^\s*([^=#]+?)\s*=/.exec(line) : null;
    if (header !== null) table = keyParts(header[1]!);
    else if (assigned === null) continue;
    const key = assigned === null ? table : [...table, ...keyParts(assigned[1]!)];
    if (path.every((part, at) => key[at] === part)) return index + 1;
  }
  return undefined;
}

/** `docker . "tmpfs"` → docker, tmpfs. */
function keyParts(key: string): readonly string[] {
  return key.split('.').map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'));
}
