import { posix } from 'node:path';

/**
 * A path that means the same wherever the home is: absolute, or `~`, `~/…`; without `.`, `..` and a slash at its end. Nothing leads
 * above `~`.
 * @param directory what a relative path is relative to: absolute or below `~`.
 */
export function logicalPath(directory: string, path: string): string {
  if (path === '~' || path.startsWith('~/')) return withoutLastSlash(`~${posix.join('/', path.slice(1))}`);
  if (posix.isAbsolute(path)) return withoutLastSlash(posix.normalize(path));
  return logicalPath('/', `${directory}/${path}`);
}

/** Where a logical path is for a certain home, which is absolute. */
export function withHome(home: string, path: string): string {
  return path.startsWith('~') ? posix.join(home, path.slice(1)) : path;
}

/** The part of a logical path below a directory, `.` for that itself; undefined if it is not below it. */
export function relativeTo(directory: string, path: string): string | undefined {
  if (path === directory) return '.';
  const above = directory.endsWith('/') ? directory : `${directory}/`;
  return path.startsWith(above) ? path.slice(above.length) : undefined;
}

function withoutLastSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
