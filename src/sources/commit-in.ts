import type { IncludeRecords } from './include-store.ts';
import { shortName } from './short-name.ts';

/** A whole commit id, not part of one. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40,64}$/.test(text);
}

/** The commit that a name stands for, as a server would find it. */
export function commitIn({ tags, branches, head }: IncludeRecords['refs'], wanted: string): string | undefined {
  const name = shortName(wanted);
  const own = (table: Readonly<Record<string, string>>): string | undefined =>
    Object.hasOwn(table, name) ? table[name] : undefined;
  if (wanted.startsWith('refs/heads/')) return own(branches);
  return own(tags) ?? own(branches) ?? (wanted === 'HEAD' ? head : undefined);
}
