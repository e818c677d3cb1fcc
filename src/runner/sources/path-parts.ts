/** The parts of a path that a server names (`group/name`), without those that would lead elsewhere. */
export function pathParts(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
}
