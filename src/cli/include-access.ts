import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Elsewhere } from '../sources/elsewhere.ts';
import { type GitServer, serverAt, serverOfRemote } from '../sources/git-server.ts';
import type { FetchPolicy, IncludeAccess } from '../sources/include-access.ts';
import type { IncludeLock, LockedOrb, LockedProject } from '../sources/include-lock.ts';
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

/** Whose includes are read, and by which settings. */
interface Given {
  readonly policy: FetchPolicy;
  readonly root: string;
  readonly settings: Settings;
  /** `--allow-private-includes`, in place of the setting. */
  readonly allowPrivateIncludes?: string | undefined;
  readonly locations: Locations;
  readonly remoteUrl: () => string | undefined;
}

/**
 * Access to included files of other machines: kept ones, and where the policy says so fetched ones.
 * @param given.remoteUrl the repository's `origin`; asked for when a project's server is needed.
 */
export function includesFromElsewhere({ env }: Invocation, given: Given): ReadElsewhere {
  const { gitlabUrl } = optionsOf(given.settings);
  const store = includeStore(storeDirectory(given.locations));
  const server = (): GitServer | undefined =>
    gitlabUrl === undefined ? serverOfRemote(given.remoteUrl()) : serverAt(gitlabUrl);
  const { used, notices, missing, ...told } = findings();
  let opened: Promise<Elsewhere> | undefined;
  return {
    open: () => {
      opened ??= openElsewhere(env, given, { store, server, ...told });
      return opened;
    },
    paths: (project, ref) => {
      const host = server()?.host;
      return host === undefined ? undefined : keptPaths(store, { host, project, ref });
    },
    used: () => used,
    notices,
    missing,
  };
}

function optionsOf({ options }: Settings) {
  return options as {
    readonly gitlabUrl?: string;
    readonly circleciUrl?: string;
    readonly allowPrivateIncludes?: string;
  };
}

function storeDirectory({ cache }: Locations): string {
  return join(cache, 'includes');
}

/** Lists that fill up while files are read. */
function findings() {
  const remotes: Record<string, string> = Object.create(null);
  const projects: Record<string, LockedProject> = Object.create(null);
  const orbs: Record<string, LockedOrb> = Object.create(null);
  const notices: string[] = [];
  const missing: { readonly name: string; readonly why: string }[] = [];
  const told: Pick<IncludeAccess, 'onLocked' | 'onMissing' | 'onNotice'> = {
    onLocked: (kind, name, state) => {
      if (kind === 'remotes') remotes[name] = state.sha;
      else if (kind === 'orbs') orbs[name] = { version: state.version!, sha256: state.sha };
      else projects[name] = state;
    },
    onMissing: (name, why) => missing.push({ name, why }),
    onNotice: (text) => notices.push(text),
  };
  return { used: { remotes, projects, orbs }, notices, missing, ...told };
}

async function openElsewhere(
  env: Invocation['env'],
  given: Given,
  more: Pick<IncludeAccess, 'store' | 'server' | 'onLocked' | 'onMissing' | 'onNotice'>,
): Promise<Elsewhere> {
  const { elsewhere } = await import('../sources/elsewhere.ts');
  const { orbRegistry, tokenFor } = await import('./server-logins.ts');
  const { policy, root, settings, locations } = given;
  const { gitlabUrl, circleciUrl, allowPrivateIncludes } = optionsOf(settings);
  const allowed = given.allowPrivateIncludes ?? allowPrivateIncludes ?? '';
  return elsewhere({
    ...more,
    policy,
    lock: await readLock(root),
    scratch: join(storeDirectory(locations), 'fetching'),
    env,
    token: (host) => tokenFor(host, env, settings.tokens, gitlabUrl && serverAt(gitlabUrl)?.host),
    orbs: orbRegistry(circleciUrl, settings.tokens, env),
    allowed: { entries: allowed.split(/[\s,]+/).filter((entry) => entry !== '') },
    nowMs: Date.now(),
    limit: limiter(mostFetches),
  });
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
