/** A ref as people call it: `refs/tags/1.2.3` is how a chosen version is called. */
export function shortName(ref: string): string {
  return ref.replace(/^refs\/(tags|heads)\//, '');
}
