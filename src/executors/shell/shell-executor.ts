import { hostname } from 'node:os';
import { join } from 'node:path';
import { withFileErrors } from '../../model/file-errors.ts';
import type { LogSink } from '../../model/ports.ts';
import { formatDuration } from '../../util/duration.ts';
import type { RunElsewhere } from '../../util/files/remove-together.ts';
import { findProgram } from '../../util/find-program.ts';
import { namedPipes } from '../../util/named-pipes.ts';
import { oomWatch } from '../../util/oom-kills.ts';
import type { Plumbing } from '../../util/piped-process.ts';
import { processHelper } from '../../util/process-launcher.ts';
import { randomHex } from '../../util/random-hex.ts';
import { type Isolation, layerMounts } from '../../workspaces/layer-mounts.ts';
import { openWorkspace, type Workspace, type WorkspaceFilling } from '../../workspaces/open-workspace.ts';
import { treeCopies } from '../../workspaces/tree-copies.ts';
import type { Executor, Session } from '../executor.ts';
import { programsDirectory } from '../job-programs.ts';
import { jobDirectories, makeJobDirectories } from './job-directories.ts';
import { startable } from './job-environment.ts';
import { usageWatch } from './session-usage.ts';
import { openShellSession } from './shell-session.ts';

/** What the composition root decides about jobs in the shell. */
export interface ShellExecutorOptions {
  /** Absolute path of the directory in which each job gets its own; made when it is missing. */
  readonly root: string;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  /** The user's own environment (PATH, HOME, LANG …), below the job's variables. */
  readonly env: Readonly<Record<string, string>>;
  /** How a job gets its own copy of the sources; default `auto`. */
  readonly isolation?: Isolation;
  /** How many jobs are about to come, to be ready for many. */
  readonly expectedJobs?: number;
  /** Tells the user when the way that he asked for is not there. */
  readonly warn?: (message: string) => void;
}

/** Jobs as processes of this machine's user, each in a private directory. */
export function createShellExecutor(options: ShellExecutorOptions): Executor {
  const removals = new Set<Promise<void>>();
  const open = new Set<() => void>();
  const path = options.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  const bash = findProgram('bash', path);
  const sh = findProgram('sh', path) ?? '/bin/sh';
  const env = startable(options.env);
  const isolation = options.isolation ?? 'auto';
  const mounts = layerMounts(isolation, path, (why) => {
    if (isolation === 'overlay') options.warn?.(`no overlay here, the jobs' files are copied: ${why}`);
  });
  const byHelper: RunElsewhere = ([file, ...args], environment) => {
    const silent = { stdin: '', stdout: async () => {}, stderr: async () => {} };
    const started = plumbing?.helper?.start({ file, args, directory: '/', env: environment, ...silent });
    return started?.then(({ ended }) => ended);
  };
  const usage = usageWatch();
  const oom = oomWatch();
  // Short: the paths of sockets that jobs make may have 107 bytes.
  const prefix = randomHex(4);
  let opened = 0;
  let spares = 0;
  const copies = treeCopies({
    path,
    elsewhere: byHelper,
    ahead: { jobs: options.expectedJobs ?? 0, directory: () => join(options.root, `${prefix}-next-${++spares}`) },
  });
  const pipes = join(options.root, `${prefix}.pipes`);
  const layPipes = (): Plumbing => ({
    helper: processHelper(options.expectedJobs ?? 1, path),
    pipes: namedPipes({ directory: pipes, path }),
  });
  // At once, since the first job wants it soon.
  let plumbing: Plumbing | undefined = layPipes();
  const removeLater = (directory: string, workspace?: Workspace): void => {
    const removal = Promise.resolve(workspace?.[Symbol.asyncDispose]())
      .then(() => copies.remove(directory))
      // A directory that can't be removed (files of another user) must not fail a job that has ended.
      .catch(() => {})
      .finally(() => removals.delete(removal));
    removals.add(removal);
  };
  return {
    name: 'shell',
    open: async (job, out, signal): Promise<Session> => {
      signal.throwIfAborted();
      const number = ++opened;
      const places = jobDirectories(join(options.root, `${prefix}-${number}`), job);
      const { own, directory, temporaryDirectory, home } = places;
      const programs = job.programs && programsDirectory(temporaryDirectory);
      let workspace: Workspace | undefined;
      plumbing ??= layPipes();
      try {
        await withFileErrors({ doing: "make the job's directory", path: own }, async () =>
          makeJobDirectories(options.root, job, places, sh),
        );
        if (job.source.kind !== 'in-place') {
          workspace = await openWorkspace(directory, {
            ...(mounts === undefined ? {} : { mounts }),
            copies,
            scratch: join(own, '.layers'),
            onFilled: (filling) => tellFilling(filling, isolation, out),
          });
        }
      } catch (error) {
        removeLater(own);
        throw error;
      }
      return openShellSession({
        job,
        marker: `${own}/job`,
        directory,
        temporaryDirectory,
        ...(home === undefined ? {} : { home }),
        where: `Running on ${hostname()}...`,
        ...(programs === undefined ? {} : { programs }),
        shell: bash === undefined ? 'sh' : 'bash',
        shellFile: bash ?? sh,
        env: home === undefined ? env : withoutHomes(env),
        path,
        graceMs: options.graceMs,
        plumbing,
        usage,
        oom,
        workspace,
        open,
        atWork: copies.ahead,
        remove: () => removeLater(own, workspace),
      });
    },
    kill: () => {
      for (const kill of open) kill();
    },
    close: async () => {
      copies.hurry();
      const laid = plumbing;
      plumbing = undefined;
      await laid?.pipes.close();
      removeLater(pipes);
      await Promise.all(removals);
      laid?.helper?.close();
      await copies.close();
    },
  };
}

/** Where programs keep things of a user's, if not in the home. A job with a home of its own uses that. */
function withoutHomes(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^XDG_\w+_HOME$/.test(name)));
}

/** Copies that take longer make it worth to tell of a faster way. */
const longCopyMs = 1000;

async function tellFilling(
  { method, layers, tookMs }: WorkspaceFilling,
  isolation: Isolation,
  out: LogSink,
): Promise<void> {
  const say = (text: string): Promise<void> => out.write(Buffer.from(`${text}\n`));
  if (method === 'overlay') await say(`Job directory: an overlay of ${layers} layer${layers === 1 ? '' : 's'}`);
  else await say(`Job directory: ${method === 'reflink' ? 'reflinks' : 'a copy'}, took ${formatDuration(tookMs)}`);
  if (method === 'copy' && tookMs > longCopyMs && isolation === 'auto') {
    await say('With --isolation overlay that takes no time, but sudo does not work in jobs');
  }
}
