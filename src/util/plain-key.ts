const encoded: Readonly<Record<string, string>> = { '%2f': '/', '%2e': '.', '\\': '/' };

/**
 * A key as part of a path that can't lead out of its place: encoded slashes and dots and backslashes are what they stand
 * for, `.` and `..` are resolved below the root, blanks at the end are gone. Source: GitLab Runner, `cache/cachekey`
 * @returns '' when nothing is left.
 */
export function plainKey(key: string): string {
  const parts: string[] = [];
  for (const part of key.replace(/%2f|%2e|\\/gi, (found) => encoded[found.toLowerCase()] ?? found).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  while (parts.length > 0) {
    const last = parts.pop()!.trimEnd();
    if (last === '' || last === '.' || last === '..') continue;
    return [...parts, last].join('/');
  }
  return '';
}
