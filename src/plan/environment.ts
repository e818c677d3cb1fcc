import { createHash } from 'node:crypto';

/**
 * GitLab's slug of an environment's name: at most 24 characters, starts with a letter, and ends with six that come
 * from a hash where the name had to be changed. Source: lib/gitlab/slug/environment.rb
 */
export function environmentSlug(name: string): string {
  let slug = name.toLowerCase().replace(/[^a-z0-9]/g, '-');
  if (!/^[a-z]/.test(slug)) slug = `env-${slug}`;
  slug = slug.replace(/-+/g, '-');
  if (slug.length <= 24 && slug === name) return slug.replace(/-$/, '');
  const hash = BigInt(`0x${createHash('sha256').update(name).digest('hex')}`).toString(36);
  return `${slug.slice(0, 17).replace(/-$/, '')}-${hash.slice(-6)}`;
}

/** The tier that GitLab guesses from an environment's name. Source: app/models/environment.rb (`guess_tier`) */
export function environmentTier(name: string): string {
  if (/(dev|review|trunk)/i.test(name)) return 'development';
  if (/(test|tst|int|ac(ce|)pt|qa|qc|control|quality)/i.test(name)) return 'testing';
  if (/(st(a|)g|mod(e|)l|pre|demo|non)/i.test(name)) return 'staging';
  if (/(pr(o|)d|live)/i.test(name)) return 'production';
  return 'other';
}
