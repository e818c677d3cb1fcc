/**
 * GitLab's slug of a ref or path: lower case, at most 63 characters, all but `a-z0-9` becomes `-`, none at the ends.
 * Source: lib/gitlab/utils.rb (`slugify`)
 */
export function slugify(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
}
