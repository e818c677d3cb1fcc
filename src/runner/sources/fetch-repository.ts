import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SystemError } from '../../model/outcome.ts';
import type { Repository } from '../../model/repository.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { type StreamedGit, streamGit } from '../../util/git-streamed.ts';
import type { TakeBytes } from '../../util/process.ts';
import type { GitWishes } from './git-wishes.ts';

/** What git needs of its surroundings. */
export interface GitPlace {
  /** Absolute; kept from one job to the next, and of one job at a time. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PEM files for the server of the job. */
  readonly tls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** A line of the log. */
  readonly say: (line: string) => Promise<void>;
  /** What git says. */
  readonly take: TakeBytes;
  readonly signal: AbortSignal;
}

/** Git has failed: worth another try. */
export class GitFailed extends SystemError {}

/**
 * Brings the directory to the job's commit: what is there already is used. Source: "4. Build, Git" of GitLab Runner.
 * @throws GitFailed, or SystemError where there is no git; the signal's reason.
 */
export async function fetchRepository(repository: Repository, wishes: GitWishes, place: GitPlace): Promise<void> {
  const { directory, say } = place;
  if (wishes.strategy === 'clone') await removeTree(directory);
  const isNew = !existsSync(join(directory, '.git'));
  mkdirSync(directory, { recursive: true });
  removeStaleLocks(join(directory, '.git'));
  const { url, login } = withoutLogin(repository.url);
  const git = gitOf(place, addressSettings(url, login, wishes));
  if (isNew) {
    await removeTree(directory);
    mkdirSync(directory, { recursive: true });
    await git(['init', '--quiet', '--template=', `--object-format=${repository.objectFormat}`, '.'], 'quiet');
    await say('Created fresh repository.');
  }
  await git(['config', 'remote.origin.url', url], 'quiet');
  const { depth } = wishes;
  await say(depth > 0 ? `Fetching changes with git depth set to ${depth}...` : 'Fetching changes...');
  const history =
    depth > 0 ? [`--depth=${depth}`] : existsSync(join(directory, '.git', 'shallow')) ? ['--unshallow'] : [];
  const flags = ['--no-recurse-submodules', ...history, ...wishes.fetchFlags];
  await git(['fetch', ...flags, 'origin', ...repository.refspecs]);
  if (!wishes.checkout) await say('Skipping Git checkout');
  else await checkOut(repository, wishes, { git, say });
}

type Git = (args: readonly string[], output?: 'shown' | 'quiet') => Promise<void>;

async function checkOut(
  { sha, ref }: Repository,
  { cleanFlags, submodules, lfs }: GitWishes,
  { git, say }: { readonly git: Git; readonly say: GitPlace['say'] },
): Promise<void> {
  await say(`Checking out ${sha.slice(0, 8)} as detached HEAD (ref is ${ref})...`);
  await git(['-c', 'submodule.recurse=false', 'checkout', '-f', '-q', '--detach', sha]);
  if (cleanFlags !== 'none') await git(['clean', ...cleanFlags]);
  if (lfs && (await hasLfs(git))) await git(['lfs', 'pull']);
  if (submodules === undefined) {
    await say('Skipping Git submodules setup');
    return;
  }
  await say(`Updating/initializing submodules${submodules.recursive ? ' recursively' : ''}...`);
  const recursive = submodules.recursive ? ['--recursive'] : [];
  const paths = submodules.paths.length === 0 ? [] : ['--', ...submodules.paths];
  await git(['submodule', 'init', ...paths], 'quiet');
  await git(['submodule', 'sync', ...recursive, ...paths], 'quiet');
  const depth = submodules.depth > 0 ? [`--depth=${submodules.depth}`] : [];
  const update = [
    'submodule',
    'update',
    '--init',
    '--force',
    ...recursive,
    ...depth,
    ...submodules.updateFlags,
    ...paths,
  ];
  try {
    await git(update);
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    // As GitLab Runner: addresses of submodules may have changed.
    await say('Updating submodules failed. Retrying...');
    await git(['submodule', 'sync', ...recursive, ...paths], 'quiet');
    await git(update);
  }
}

async function hasLfs(git: Git): Promise<boolean> {
  try {
    await git(['lfs', 'version'], 'quiet');
    return true;
  } catch (error) {
    if (error instanceof GitFailed) return false;
    throw error;
  }
}

type Settings = readonly (readonly [key: string, value: string])[];

/** Where the job's login goes: to its server alone, also for submodules there. */
function addressSettings(url: string, login: string | undefined, { submodules }: GitWishes): Settings {
  if (login === undefined || !URL.canParse(url)) return [];
  const { origin, hostname } = new URL(url);
  const key = `url.${origin.replace('://', `://${login}@`)}/.insteadOf`;
  const others = submodules?.forceHttps ? [`git@${hostname}:`, `ssh://git@${hostname}/`] : [];
  return [`${origin}/`, ...others].map((from) => [key, from] as const);
}

/** A git that logs in by settings of its environment: neither the command line nor the repository holds the token. */
function gitOf(place: GitPlace, addresses: Settings): Git {
  const { directory: cwd, env, tls, signal } = place;
  const settings: (readonly [string, string])[] = [
    ['safe.directory', '*'],
    ['credential.helper', ''],
    ['gc.autoDetach', 'false'],
    ...addresses,
    ...(tls.caFile === undefined ? [] : [['http.sslCAInfo', tls.caFile] as const]),
    ...(tls.certFile === undefined ? [] : [['http.sslCert', tls.certFile] as const]),
    ...(tls.keyFile === undefined ? [] : [['http.sslKey', tls.keyFile] as const]),
  ];
  return async (args, output = 'shown') => {
    const take: TakeBytes = output === 'shown' ? place.take : async () => {};
    const ended = await streamGit(args, { cwd, env, settings, take, signal });
    signal.throwIfAborted();
    const why = failureOf(ended);
    if (why === 'missing') {
      throw new SystemError(
        'runner_system_failure',
        'there is no git on this machine, which fetches the sources of jobs',
        {
          hint: 'install git on the machine of the runner',
        },
      );
    }
    if (why !== undefined) throw new GitFailed('runner_system_failure', `git ${nameOf(args)} failed (${why})`);
  };
}

function failureOf(ended: StreamedGit): string | undefined {
  if (ended.kind === 'missing') return 'missing';
  if (ended.kind === 'code') return ended.code === 0 ? undefined : `exit code ${ended.code}`;
  return ended.kind === 'signal' ? `signal ${ended.signal}` : 'aborted';
}

/** The command without settings before it. */
function nameOf(args: readonly string[]): string {
  return args.find((arg, at) => !arg.startsWith('-') && args[at - 1] !== '-c') ?? '';
}

/** Takes user and password off an address. */
function withoutLogin(repoUrl: string): { readonly url: string; readonly login: string | undefined } {
  const [, scheme, login, rest] = /^([a-z][a-z\d+.-]*:\/\/)([^/@]+)@(.*)$/i.exec(repoUrl) ?? [];
  return login === undefined ? { url: repoUrl, login: undefined } : { url: `${scheme}${rest}`, login };
}

/** What a git that was killed leaves; nobody else works here. */
function removeStaleLocks(repository: string): void {
  const visit = (directory: string, deep: boolean): void => {
    if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isFile() && entry.name.endsWith('.lock')) rmSync(path, { force: true });
      else if (deep && entry.isDirectory()) visit(path, true);
    }
  };
  visit(repository, false);
  visit(join(repository, 'refs'), true);
}
