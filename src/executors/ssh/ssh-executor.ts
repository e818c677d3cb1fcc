import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { JobSpec } from '../../model/job-spec.ts';
import { SystemError } from '../../model/outcome.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { findProgram } from '../../util/find-program.ts';
import type { Executor, Session } from '../executor.ts';
import { programFile, programMode, programsDirectory } from '../job-programs.ts';
import { type JobDirectories, jobDirectories } from '../shell/job-directories.ts';
import { exchanged } from './remote-exchange.ts';
import { sshCommands } from './ssh-commands.ts';
import { connectSsh, type SshConnection, type SshRoute } from './ssh-connection.ts';
import { sshFiles } from './ssh-files.ts';
import { askpassScript, type SshTarget, targetText } from './ssh-target.ts';
import { visitSsh } from './visit-ssh.ts';

/** What the composition root decides about jobs on another machine. */
export interface SshExecutorOptions {
  readonly target: SshTarget;
  /** Directory on that machine in which each job gets its own: absolute, or below the user's home; default `~/.ci-jobs`. */
  readonly root?: string;
  /** Absolute path of an existing directory on this machine, for sockets. */
  readonly scratch: string;
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  /** The user's own environment: `PATH` for `ssh`, and what that needs to log in. */
  readonly env: Readonly<Record<string, string>>;
  /** Between tries to connect, milliseconds; default 3000. */
  readonly retryMs?: number;
  /** After so long without a word of us the machine ends the job, milliseconds; default two minutes. */
  readonly silenceMs?: number;
}

/** Jobs as processes of a user of another machine, each in a private directory there. */
export function createSshExecutor(options: SshExecutorOptions): Executor {
  const open = new Set<SshConnection>();
  const closing = new Set<Promise<void>>();
  let scratch: string | undefined;
  const route = (): SshRoute => {
    const { target, env, root, retryMs = 3000, silenceMs = 120_000 } = options;
    const ssh = findProgram('ssh', env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin');
    if (ssh === undefined) {
      const hint = { hint: 'install the OpenSSH client' };
      throw new SystemError('runner_system_failure', 'there is no ssh on this machine', hint);
    }
    scratch ??= makeScratch(options.scratch);
    return { target, ssh, env, scratch, retryMs, silenceMs, ...(root === undefined ? {} : { root }) };
  };
  return {
    name: 'ssh',
    open: async (job, out, signal): Promise<Session> => {
      signal.throwIfAborted();
      const say = (line: string): Promise<void> => out.write(Buffer.from(`${line}\n`));
      await tellUnused(job, options.target, say);
      const connection = await connectSsh(route(), signal, say);
      open.add(connection);
      const close = (): Promise<void> => {
        const closed = connection.close().finally(() => {
          open.delete(connection);
          closing.delete(closed);
        });
        closing.add(closed);
        return closed;
      };
      try {
        return await openSession(connection, { job, signal, graceMs: options.graceMs, close });
      } catch (error) {
        await close();
        throw error;
      }
    },
    kill: () => {
      for (const connection of open) connection.drop();
    },
    close: async () => {
      await Promise.all(closing);
      if (scratch !== undefined) await removeTree(scratch);
      scratch = undefined;
    },
  };
}

function makeScratch(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const scratch = mkdtempSync(join(parent, 'ci-ssh-'));
  writeFileSync(join(scratch, 'askpass'), askpassScript);
  chmodSync(join(scratch, 'askpass'), 0o700);
  return scratch;
}

/** As GitLab Runner, which has neither with ssh. */
async function tellUnused(job: JobSpec, target: SshTarget, say: (line: string) => Promise<void>): Promise<void> {
  if (job.source.kind === 'in-place') {
    throw new SystemError('runner_configuration_error', "a job can't work in place on another machine", {
      hint: 'leave --in-place out, or use the executor shell',
    });
  }
  const unused = [
    ...(job.image === undefined ? [] : [`image ${job.image.name}`]),
    ...job.services.map(({ name }) => `service ${name}`),
  ];
  if (unused.length === 0) return;
  await say(
    `WARNING: there are no containers with the executor ssh: ${unused.join(', ')} not used on ${targetText(target)}`,
  );
}

async function openSession(
  connection: SshConnection,
  given: { readonly job: JobSpec; readonly signal: AbortSignal; readonly graceMs: number; close(): Promise<void> },
): Promise<Session> {
  const { job, signal, graceMs } = given;
  const places = jobDirectories(connection.own, job);
  const { directory, temporaryDirectory, home } = places;
  await exchanged(connection, {
    doing: "make the job's directory",
    program:
      'mkdir -p -- "$ci_directory" && (umask 077; mkdir -p -- "$ci_temporary" && { [ -z "$ci_home" ] || mkdir -p -- "$ci_home"; })',
    variables: { ci_directory: directory, ci_temporary: temporaryDirectory, ci_home: home ?? '' },
    signal,
  });
  const files = sshFiles(connection, directory, home === undefined ? undefined : refusalOutside(places));
  const programs = job.programs && programsDirectory(temporaryDirectory);
  for (const program of job.programs ?? []) {
    await files.write(`${programs}/${program.name}`, programFile(program, '/bin/sh'), programMode);
  }
  const commands = sshCommands({ connection, directory, graceMs, ...(programs === undefined ? {} : { programs }) });
  return {
    directory,
    temporaryDirectory,
    ...(home === undefined ? {} : { home }),
    where: `Running on ${connection.hostname} via ${connection.text}...`,
    ...(programs === undefined ? {} : { programs }),
    shell: connection.shell,
    run: commands.run,
    enter: (visit, stop) =>
      visitSsh({ connection, directory, files, ...(programs === undefined ? {} : { programs }) }, visit, stop),
    files,
    [Symbol.asyncDispose]: async () => {
      commands.drop();
      await given.close();
    },
  };
}

/** In a job with a home of its own, files may name any path of the machine, with the rights of its user. */
function refusalOutside({ own }: JobDirectories): (at: string) => string | undefined {
  return (at) => {
    const path = posix.normalize(at);
    const isAllowed = [own, '/tmp'].some((place) => path === place || path.startsWith(`${place}/`));
    return isAllowed ? undefined : "it is the other machine's and not the job's, and the job runs in its shell";
  };
}
