/** A path for statistics: numbers are `{id}`. */
export function metricPath(path: string): string {
  return path
    .split('/')
    .map((part) => (/^\d+$/.test(part) ? '{id}' : part))
    .join('/');
}
