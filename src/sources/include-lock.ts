/** Which state of what is included was agreed on; a file in the repository that `ci fetch --lock` writes. */
export interface IncludeLock {
  /** By address: SHA-256 of the file, in hex. */
  readonly remotes: Readonly<Record<string, string>>;
  /** By `host/group/name@ref`: the commit, and the release that a component's version stood for. */
  readonly projects: Readonly<Record<string, LockedProject>>;
}

export interface LockedProject {
  readonly sha: string;
  readonly version?: string;
}

export const emptyLock: IncludeLock = { remotes: {}, projects: {} };

/** Reads the text of a lock file; what is wrong with it, if it is none. */
export function parseLock(text: string): IncludeLock | { readonly problem: string } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return { problem: `it is no JSON: ${(error as Error).message}` };
  }
  const { schema, remotes = {}, projects = {} } = (content ?? {}) as Partial<Record<string, unknown>>;
  if (schema !== 'ci/1') return { problem: '`schema` is not "ci/1"' };
  if (!isTable(remotes) || !isTable(projects)) return { problem: '`remotes` and `projects` must be objects' };
  const badRemote = Object.entries(remotes).find(([, hash]) => !/^[0-9a-f]{64}$/.test(String(hash)));
  if (badRemote) return { problem: `\`${badRemote[0]}\` has no SHA-256` };
  const badProject = Object.entries(projects).find(([, locked]) => !isLocked(locked));
  if (badProject) return { problem: `\`${badProject[0]}\` has no commit` };
  return {
    remotes: remotes as IncludeLock['remotes'],
    projects: projects as IncludeLock['projects'],
  };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLocked(value: unknown): value is LockedProject {
  if (!isTable(value)) return false;
  return /^[0-9a-f]{40,64}$/.test(String(value['sha'])) && ['undefined', 'string'].includes(typeof value['version']);
}

/** The text of a lock file: sorted, so that a change is a change of few lines. */
export function printLock({ remotes, projects }: IncludeLock): string {
  const sorted = <T>(table: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ schema: 'ci/1', remotes: sorted(remotes), projects: sorted(projects) }, null, 2)}\n`;
}
