import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Elsewhere } from '../sources/elsewhere.ts';
import { type GitServer, serverAt, serverOfRemote } from '../sources/git-server.ts';
import type { FetchPolicy } from '../sources/include-access.ts';
import type { IncludeLock, LockedOrb } from '../sources/include-lock.ts';
import { includeStore } from '../sources/include-store.ts';
import { keptPaths } from '../sources/kept-paths.ts';
import { limiter } from '../util/limiter.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Invocation } from './invocation.ts';
import type { Locations } from './locations.ts';
import type { Settings } from './settings.ts';

/** Name of the lock file, in the project's root. */
export const lockFileName = '.ci.lock';

/** Fetches under way at once. */
const mostFetches = 4;

/** What of other machines was read, and what the user should know about it. */
export interface ReadElsewhere {
  /** For the loader: made when the first include from elsewhere is met. */
  readonly open: () => Promise<Elsewhere>;
  /** All paths of a project of the pipeline's server, as far as it was fetched. */
  readonly paths: (project: string, ref: string | undefined) => readonly string[] | undefined;
  /** Commits and checksums of all that was read. */
  readonly used: () => IncludeLock;
  readonly notices: readonly string[];
  /** What could not be had, and may be done without. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

/**
 * Access to included files of other machines: kept ones, and where the policy says so fetched ones.
 * @param given.remoteUrl the repository's `origin`; asked for when a project's server is needed.
 */
export function includesFromElsewhere(
  { env }: Invocation,
  given: {
    readonly policy: FetchPolicy;
    readonly root: string;
    readonly settings: Settings;
    /** `--allow-private-includes`, in place of the setting. */
    readonly allowPrivateIncludes?: string | undefined;
    readonly locations: Locations;
    readonly remoteUrl: () => string | undefined;
  },
): ReadElsewhere {
  const { policy, root, settings, locations, remoteUrl } = given;
  const remotes: Record<string, string> = Object.create(null);
  const projects: Record<string, { readonly sha: string; readonly version?: string }> = Object.create(null);
  const orbs: Record<string, LockedOrb> = Object.create(null);
  const notices: string[] = [];
  const missing: { readonly name: string; readonly why: string }[] = [];
  const directory = join(locations.cache, 'includes');
  const store = includeStore(directory);
  const own = settings.options as {
    readonly gitlabUrl?: string;
    readonly circleciUrl?: string;
    readonly allowPrivateIncludes?: string;
  };
  const { gitlabUrl } = own;
  const allowPrivateIncludes = given.allowPrivateIncludes ?? own.allowPrivateIncludes ?? '';
  const server = (): GitServer | undefined =>
    gitlabUrl === undefined ? serverOfRemote(remoteUrl()) : serverAt(gitlabUrl);
  let opened: Promise<Elsewhere> | undefined;
  const open = async (): Promise<Elsewhere> => {
    const { elsewhere } = await import('../sources/elsewhere.ts');
    const { orbRegistry, tokenFor } = await import('./server-logins.ts');
    return elsewhere({
      policy,
      store,
      lock: await readLock(root),
      scratch: join(directory, 'fetching'),
      env,
      server,
      token: (host) => tokenFor(host, env, settings.tokens, gitlabUrl && serverAt(gitlabUrl)?.host),
      orbs: orbRegistry(own.circleciUrl, settings.tokens, env),
      allowed: { entries: allowPrivateIncludes.split(/[\s,]+/).filter((entry) => entry !== '') },
      nowMs: Date.now(),
      limit: limiter(mostFetches),
      onLocked: (kind, name, state) => {
        if (kind === 'remotes') remotes[name] = state.sha;
        else if (kind === 'orbs') orbs[name] = { version: state.version!, sha256: state.sha };
        else projects[name] = state;
      },
      onMissing: (name, why) => missing.push({ name, why }),
      onNotice: (text) => notices.push(text),
    });
  };
  return {
    open: () => {
      opened ??= open();
      return opened;
    },
    paths: (project, ref) => {
      const host = server()?.host;
      return host === undefined ? undefined : keptPaths(store, { host, project, ref });
    },
    used: () => ({ remotes, projects, orbs }),
    notices,
    missing,
  };
}

/**
 * Reads the lock file of a project.
 * @throws CommandError exit 2 for one that is none.
 */
export async function readLock(root: string): Promise<IncludeLock> {
  const { emptyLock, parseLock } = await import('../sources/include-lock.ts');
  let text: string;
  try {
    text = readFileSync(join(root, lockFileName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyLock;
    throw new CommandError(exitCodes.usage, `${lockFileName} can't be read: ${(error as Error).message}`);
  }
  const lock = parseLock(text);
  if (!('problem' in lock)) return lock;
  const hint = 'remove it, and `ci fetch --lock` writes it anew';
  throw new CommandError(exitCodes.usage, `${lockFileName} is no lock file: ${lock.problem}`, hint);
}
