import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from './files/remove-tree.ts';
import { findProgram } from './find-program.ts';
import { type MountEnvironment, mountEnvironment, tryProgram, unmountAll } from './unmount.ts';

/** What to mount: layers that stay as they are, and a directory that shows them and takes every change. */
export interface OverlayRequest {
  /** Absolute; the upper ones hide the lower ones. */
  readonly lowestFirst: readonly string[];
  /** Absolute, an existing directory of the caller's own: links to the layers and the changes are kept there. */
  readonly scratch: string;
  /** Absolute, an existing empty directory. */
  readonly target: string;
}

/** What to start and where. */
export interface ProgramStart {
  readonly argv: readonly string[];
  /** Absolute. */
  readonly directory: string;
}

/** A mounted overlay. */
export interface OverlayMount {
  /** Where this process sees what is mounted. */
  readonly seenAt: string;
  /** Absolute path of the directory of changes: a file that was made or changed lies there under its own path. */
  readonly changes: string;
  /** How to start a program so that it sees the mount. */
  enter(start: ProgramStart): ProgramStart;
  /** The changes stay. */
  unmount(): Promise<void>;
}

/**
 * Mounts overlays. `host`: where everybody sees them, which takes root. `namespace`: in a user namespace of their own,
 * which an ordinary user may make where the system allows it; only programs started by `enter` see them.
 */
export interface OverlayMounter {
  readonly where: 'host' | 'namespace';
  /** Is a file of a layer that has several names still one file after it was written to? */
  readonly keepsHardLinks: boolean;
  /** @throws OverlayRefused when this system does not let us. */
  mount(request: OverlayRequest): Promise<OverlayMount>;
}

/** Why there is no overlay: what the system said. */
export class OverlayRefused extends Error {
  override readonly name = 'OverlayRefused';
}

/** @param path the user's `PATH`, for systems that have their programs elsewhere. */
export function overlayMounter(where: OverlayMounter['where'], path: string): OverlayMounter {
  const env = mountEnvironment(path);
  switch (where) {
    case 'host':
      return hostMounter(env);
    case 'namespace':
      return namespaceMounter(env);
  }
}

/**
 * The options' text must fit into a page and treats `:` and `,` as its own: so layers are named by short links,
 * relative to the directory that `mount` is started in.
 */
async function writeLayers({ lowestFirst, scratch }: OverlayRequest): Promise<string> {
  await removeTree(join(scratch, 'l'));
  // Marked for the layers it was used with: where nothing is in it, a new one goes with any.
  if (isEmptyDirectory(join(scratch, 'u'))) for (const name of ['u', 'w']) await removeTree(join(scratch, name));
  for (const name of ['l', 'u', 'w']) await mkdir(join(scratch, name), { recursive: true });
  const names = lowestFirst.map((layer, index) => {
    symlinkSync(layer, join(scratch, `l/${index}`));
    return `l/${index}`;
  });
  return `lowerdir=${names.reverse().join(':')},upperdir=u,workdir=w`;
}

function isEmptyDirectory(path: string): boolean {
  return existsSync(path) && readdirSync(path).length === 0;
}

function hostMounter(env: MountEnvironment): OverlayMounter {
  const unmount = batchedUnmount(env);
  return {
    where: 'host',
    keepsHardLinks: true,
    mount: async (request) => {
      // Without redirect_dir a directory of a layer can't be renamed, and programs that do it fail; without the index
      // names of one file come apart when it is written to; with metacopy the changes have files without content.
      const options = `${await writeLayers(request)},redirect_dir=on,index=on,metacopy=off`;
      const argv = ['mount', '-t', 'overlay', 'overlay', '-o', options, request.target];
      const { failure } = await tryProgram(argv, env, request.scratch);
      if (failure !== undefined) throw new OverlayRefused(failure);
      return {
        seenAt: request.target,
        changes: join(request.scratch, 'u'),
        enter: (start) => start,
        unmount: () => unmount(request.target),
      };
    },
  };
}

/** Collects what is to be unmounted while the program for it runs, and unmounts all that at once. */
function batchedUnmount(env: MountEnvironment): (target: string) => Promise<void> {
  let waiting: string[] = [];
  let running: Promise<void> = Promise.resolve();
  return (target) => {
    waiting.push(target);
    const turn = running.then(async () => {
      const targets = waiting;
      waiting = [];
      if (targets.length > 0) await unmountAll(targets, env);
    });
    running = turn.catch(() => {});
    return turn;
  };
}

/** In a namespace the mount belongs to a process that holds it; it ends with our end of its pipe, however we end. */
const holdScript = 'mount -t overlay overlay -o "$1" "$2" && echo mounted && exec cat >/dev/null';
const enterScript = 'cd -- "$1" || exit 1; shift; exec "$@"';

function namespaceMounter(env: MountEnvironment): OverlayMounter {
  // Absolute: they are started with the environment of the job.
  const [nsenter, unshare] = ['nsenter', 'unshare'].map((name) => findProgram(name, env.PATH ?? ''));
  let hasEntered = false;
  return {
    where: 'namespace',
    // The kernel has no index of links there.
    keepsHardLinks: false,
    mount: async (request) => {
      if (nsenter === undefined || unshare === undefined)
        throw new OverlayRefused('nsenter or unshare is not installed');
      const options = `${await writeLayers(request)},userxattr`;
      const args = [
        '--user',
        '--map-root-user',
        '--mount',
        '--',
        'sh',
        '-c',
        holdScript,
        'sh',
        options,
        request.target,
      ];
      const holder = spawn(unshare, args, { cwd: request.scratch, env, stdio: 'pipe', detached: true });
      await mounted(holder);
      const seenAt = `/proc/${holder.pid}/root${request.target}`;
      if (lstatSync(seenAt, { throwIfNoEntry: false }) === undefined)
        throw new OverlayRefused('the mount is not visible');
      const ids = [`--map-user=${process.getuid!()}`, `--map-group=${process.getgid!()}`];
      const inside = ['--preserve-credentials', '--user', '--mount', `--target=${holder.pid}`, '--'];
      const enter = ({ argv, directory }: ProgramStart): ProgramStart => ({
        // The mount needs root of a namespace; in one more namespace the job is the user himself again.
        argv: [
          ...[nsenter, ...inside, unshare, '--user', ...ids, '--'],
          ...['sh', '-c', enterScript, 'sh', directory, ...argv],
        ],
        directory: '/',
      });
      if (!hasEntered) {
        const { failure } = await tryProgram(enter({ argv: ['true'], directory: request.target }).argv, env);
        if (failure !== undefined) {
          await letGo(holder);
          throw new OverlayRefused(failure);
        }
        hasEntered = true;
      }
      return {
        seenAt,
        changes: join(request.scratch, 'u'),
        enter,
        unmount: () => letGo(holder),
      };
    },
  };
}

function mounted(holder: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    holder.stderr!.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    holder.stdout!.once('data', () => resolve());
    holder.stdin!.on('error', () => {});
    holder.once('error', (error) => reject(new OverlayRefused(error.message)));
    holder.once('close', () => reject(new OverlayRefused(said.trim().split('\n').at(-1) || 'no reason given')));
  });
}

async function letGo(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const gone = new Promise((resolve) => holder.once('exit', resolve));
  holder.stdin!.end();
  await gone;
}
