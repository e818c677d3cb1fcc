import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SystemError } from '../../model/outcome.ts';
import type { Repository } from '../../model/repository.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { type StreamedGit, streamGit } from '../../util/git-streamed.ts';
import type { TakeBytes } from '../../util/process.ts';
import { includeInJobs, tidyGitDirectories } from './git-directories.ts';
import type { GitWishes, Submodules } from './git-wishes.ts';
import { loginAddresses } from './job-git-config.ts';
import { withoutLogin } from './login-of.ts';

/** What git needs of its surroundings. */
export interface GitPlace {
  /** Absolute; kept from one job to the next, and of one job at a time. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Who fetches. `user`: what the user of this process may fetch (by keys for ssh, `.netrc`) is the job's as well, which
   * runs as that user. `job`: nothing but by what the server sent.
   */
  readonly fetchesAs: 'user' | 'job';
  /** The file that the job's own git is told to read; absolute, in the job. */
  readonly include: string;
  /** PEM files for the server of the job. */
  readonly tls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** A line of the log. */
  readonly say: (line: string) => Promise<void>;
  /** What git says. */
  readonly take: TakeBytes;
  readonly signal: AbortSignal;
}

/** Git has failed: worth another try. To servers it is a script of the job, as with GitLab Runner. */
export class GitFailed extends SystemError {}

/** The disk of the sources is full. */
export class NoSpaceForSources extends SystemError {}

/**
 * Brings the directory to the job's commit: what is there already is used. Source: "4. Build, Git" of GitLab Runner.
 * @throws GitFailed, NoSpaceForSources, or SystemError where there is no git or the server names what can't be; the signal's reason.
 */
export async function fetchRepository(repository: Repository, wishes: GitWishes, place: GitPlace): Promise<void> {
  refuseOptions(repository);
  const { directory, say } = place;
  if (wishes.strategy === 'clone') await removeTree(directory);
  const isNew = !existsSync(join(directory, '.git', 'HEAD'));
  if (isNew) await removeTree(directory);
  mkdirSync(directory, { recursive: true });
  tidyGitDirectories(directory);
  const { url } = withoutLogin(repository.url);
  const git = gitOf(place, serverSettings(repository.url, wishes, place));
  const format = `--object-format=${repository.objectFormat}`;
  if (isNew) {
    await git(['-c', 'init.defaultBranch=none', 'init', '--quiet', '--template=', format, '.'], 'quiet');
    await say('Created fresh repository.');
  }
  await git(['config', 'remote.origin.url', url], 'quiet');
  // As `git remote add` makes it: scripts fetch other branches.
  await git(['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'], 'quiet');
  const { depth } = wishes;
  await say(depth > 0 ? `Fetching changes with git depth set to ${depth}...` : 'Fetching changes...');
  const history =
    depth > 0 ? [`--depth=${depth}`] : existsSync(join(directory, '.git', 'shallow')) ? ['--unshallow'] : [];
  const flags = ['--no-recurse-submodules', ...history, ...wishes.fetchFlags];
  await git(['fetch', ...flags, '--', 'origin', ...repository.refspecs]);
  if (!wishes.checkout) await say('Skipping Git checkout');
  else await checkOut(repository, wishes, { git, say });
  includeInJobs(directory, place.include);
}

/** Git runs beside the job: what a server sends must never be an option, such as one that shows a file of this machine. */
function refuseOptions({ url, sha, refspecs }: Repository): void {
  const odd = [
    ...(/^[0-9a-f]{7,64}$/i.test(sha) ? [] : [`the commit ${JSON.stringify(sha)}`]),
    ...(url.startsWith('-') ? [`the repository ${JSON.stringify(url)}`] : []),
    ...refspecs.filter((refspec) => refspec.startsWith('-')).map((refspec) => `the refspec ${JSON.stringify(refspec)}`),
  ];
  if (odd.length === 0) return;
  throw new SystemError('runner_system_failure', `the server names what can't be: ${odd.join(', ')}`);
}

type Git = (args: readonly string[], output?: 'shown' | 'quiet') => Promise<void>;

interface At {
  readonly git: Git;
  readonly say: GitPlace['say'];
}

async function checkOut({ sha, ref }: Repository, wishes: GitWishes, at: At): Promise<void> {
  const { git, say } = at;
  const { cleanFlags, submodules } = wishes;
  await say(`Checking out ${sha.slice(0, 8)} as detached HEAD (ref is ${ref})...`);
  await git(['-c', 'submodule.recurse=false', 'checkout', '-f', '-q', '--detach', sha]);
  if (cleanFlags !== 'none') await git(['clean', ...cleanFlags]);
  const lfs = wishes.lfs && (await hasLfs(git));
  if (lfs) await git(['lfs', 'pull']);
  if (submodules === undefined) await say('Skipping Git submodules setup');
  else await updateSubmodules(submodules, at, lfs ? 'with-lfs' : 'plain');
}

async function updateSubmodules(submodules: Submodules, { git, say }: At, files: 'with-lfs' | 'plain'): Promise<void> {
  const depthText = submodules.depth > 0 ? ` with git depth set to ${submodules.depth}` : '';
  await say(`Updating/initializing submodules${submodules.recursive ? ' recursively' : ''}${depthText}...`);
  const recursive = submodules.recursive ? ['--recursive'] : [];
  const paths = submodules.paths.length === 0 ? [] : ['--', ...submodules.paths];
  const depth = submodules.depth > 0 ? [`--depth=${submodules.depth}`] : [];
  const update = ['update', '--init', '--force', ...recursive, ...depth, ...submodules.updateFlags, ...paths];
  await git(['submodule', 'init', ...paths], 'quiet');
  await git(['submodule', 'sync', ...recursive, ...paths], 'quiet');
  try {
    await git(['submodule', ...update]);
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    // As GitLab Runner: addresses of submodules may have changed.
    await say('Updating submodules failed. Retrying...');
    if (submodules.updateFlags.includes('--remote')) {
      const heads = 'git fetch origin +refs/heads/*:refs/remotes/origin/*';
      await git(['submodule', 'foreach', ...recursive, heads]);
    }
    await git(['submodule', 'sync', ...recursive, ...paths], 'quiet');
    await git(['submodule', ...update]);
  }
  await say('Updated submodules');
  if (files === 'plain') return;
  await say('Pulling LFS files...');
  await git(['submodule', 'foreach', ...recursive, 'git lfs pull']);
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

/** For the server of the job alone, also for submodules there: the login, and by which certificates it is known. */
function serverSettings(url: string, { submodules }: GitWishes, { tls }: GitPlace): Settings {
  const addresses = loginAddresses(url, { forceHttps: submodules?.forceHttps === true });
  const origin = URL.canParse(url) ? new URL(url).origin : undefined;
  const files = [
    ['sslCAInfo', tls.caFile],
    ['sslCert', tls.certFile],
    ['sslKey', tls.keyFile],
  ] as const;
  return [
    ...addresses.map(({ stands, from }) => [`url.${stands}.insteadOf`, from] as const),
    ...files.flatMap(([key, file]) =>
      file === undefined || origin === undefined ? [] : [[`http.${origin}.${key}`, file] as const],
    ),
  ];
}

/** What lies on the machine of the runner is not for its jobs, whatever address the server names. */
const overNetwork: Settings = [
  ['protocol.allow', 'never'],
  ...['http', 'https', 'ssh', 'git'].map((protocol) => [`protocol.${protocol}.allow`, 'always'] as const),
];

/** Of ssh's own files none counts: a submodule may be any address. */
const noKeys = ['core.sshCommand', 'ssh -F none -o BatchMode=yes -o IdentityFile=none -o IdentityAgent=none'] as const;

/** Without the user's `.netrc` and agent; the user's settings of git (proxies, certificates) stay. */
function withoutKeys({ SSH_AUTH_SOCK: _, ...env }: GitPlace['env']): GitPlace['env'] {
  const { HOME: home, XDG_CONFIG_HOME: config = `${home}/.config`, GIT_CONFIG_GLOBAL: given } = env;
  const settings = [`${home}/.gitconfig`, `${config}/git/config`].find((file) => existsSync(file));
  return { ...env, HOME: '/nonexistent', GIT_CONFIG_GLOBAL: given ?? settings ?? '/dev/null' };
}

/** A git that logs in by settings of its environment: neither the command line nor the repository holds the token. */
function gitOf(place: GitPlace, server: Settings): Git {
  const { directory: cwd, signal } = place;
  // Large files come by `git lfs pull`, all at once, or not at all.
  const env = { ...(place.fetchesAs === 'job' ? withoutKeys(place.env) : place.env), GIT_LFS_SKIP_SMUDGE: '1' };
  const settings: (readonly [string, string])[] = [
    ...(place.fetchesAs === 'job' ? [noKeys] : []),
    ['safe.directory', '*'],
    ['credential.helper', ''],
    ['gc.autoDetach', 'false'],
    ...overNetwork,
    ...server,
  ];
  return async (args, output = 'shown') => {
    let isFull = false;
    const take: TakeBytes = async (bytes) => {
      isFull ||= saysFull(Buffer.from(bytes).toString());
      if (output === 'shown') await place.take(bytes);
    };
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
    if (why === undefined) return;
    if (isFull) {
      const what = `git ${nameOf(args)} failed: no space left for the job's sources in ${cwd}`;
      throw new NoSpaceForSources('runner_system_failure', what, { hint: 'free some space on that disk' });
    }
    const code = ended.kind === 'code' ? ended.code : 1;
    throw new GitFailed('script_failure', `git ${nameOf(args)} failed (${why})`, { exit: { kind: 'code', code } });
  };
}

/** What the server says of its own disk begins with `remote:`. */
function saysFull(text: string): boolean {
  return /^(?!remote:).*(No space left on device|Disk quota exceeded)/m.test(text);
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
