/** Which state of what is included was agreed on; a file in the repository that `ci fetch --lock` writes. */
export interface IncludeLock {
  /** By address: SHA-256 of the file, in hex. */
  readonly remotes: Readonly<Record<string, string>>;
  /** By `host/group/name@ref`: the commit, and the release that a component's version stood for. */
  readonly projects: Readonly<Record<string, LockedProject>>;
  /** By `namespace/orb@version` as it is written: the version that this stood for, and SHA-256 of its source, in hex. */
  readonly orbs: Readonly<Record<string, LockedOrb>>;
}

/** The version (`5.1.3`) that a looser one stood for when the lock was written, and what its source has to hash to. */
export interface LockedOrb {
  readonly version: string;
  readonly sha256: string;
}

/** The commit that a ref stood for when the lock was written; `version` only for a component's. */
export interface LockedProject {
  readonly sha: string;
  readonly version?: string;
}

/** What counts where there is no lock file: everything is looked up anew. */
export const emptyLock: IncludeLock = { remotes: {}, projects: {}, orbs: {} };

/** Reads the text of a lock file; what is wrong with it, if it is none. */
export function parseLock(text: string): IncludeLock | { readonly problem: string } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return { problem: `it is no JSON: ${(error as Error).message}` };
  }
  const { schema, remotes = {}, projects = {}, orbs = {} } = (content ?? {}) as Partial<Record<string, unknown>>;
  if (schema !== 'ci/1') return { problem: '`schema` is not "ci/1"' };
  if (!isTable(remotes) || !isTable(projects) || !isTable(orbs)) {
    return { problem: '`remotes`, `projects` and `orbs` must be objects' };
  }
  const badRemote = Object.entries(remotes).find(([, hash]) => !/^[0-9a-f]{64}$/.test(String(hash)));
  if (badRemote) return { problem: `\`${badRemote[0]}\` has no SHA-256` };
  const badProject = Object.entries(projects).find(([, locked]) => !isLocked(locked));
  if (badProject) return { problem: `\`${badProject[0]}\` has no commit` };
  const badOrb = Object.entries(orbs).find(([, locked]) => !isLockedOrb(locked));
  if (badOrb) return { problem: `\`${badOrb[0]}\` has no version and SHA-256` };
  return {
    remotes: remotes as IncludeLock['remotes'],
    projects: projects as IncludeLock['projects'],
    orbs: orbs as IncludeLock['orbs'],
  };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLocked(value: unknown): value is LockedProject {
  if (!isTable(value)) return false;
  return /^[0-9a-f]{40,64}$/.test(String(value['sha'])) && ['undefined', 'string'].includes(typeof value['version']);
}

function isLockedOrb(value: unknown): value is LockedOrb {
  if (!isTable(value)) return false;
  return (
    /^[0-9a-f]{64}$/.test(String(value['sha256'])) && /^(?:\d+\.\d+\.\d+|dev:[\w./-]+)$/.test(String(value['version']))
  );
}

/** The text of a lock file: sorted, so that a change is a change of few lines. */
export function printLock({ remotes, projects, orbs }: IncludeLock): string {
  const sorted = <T>(table: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
  const locked = { remotes: sorted(remotes), projects: sorted(projects) };
  // Nobody but CircleCI has orbs.
  const withOrbs = Object.keys(orbs).length === 0 ? locked : { ...locked, orbs: sorted(orbs) };
  return `${JSON.stringify({ schema: 'ci/1', ...withOrbs }, null, 2)}\n`;
}
