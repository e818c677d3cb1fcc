import type { NamedPipes } from './named-pipes.ts';
import { type ProcessRequest, type RunningProcess, startProcess, takeOutput } from './process.ts';
import type { ProcessHelper } from './process-helper.ts';
import { type Launched, launch } from './process-launcher.ts';

/** What starts processes and connects them. */
export interface Plumbing {
  readonly helper: ProcessHelper | undefined;
  /** For what the helper does not start. */
  readonly pipes: NamedPipes;
}

/**
 * As `startProcess`, but standard output and error are pipes: only those can be opened once more, as `/dev/stderr`,
 * which scripts do. Where the system makes no named pipes, they are sockets.
 * @throws the error of `spawn` (ENOENT, EACCES, E2BIG …) as a rejected promise.
 */
export async function startPipedProcess(request: ProcessRequest, { helper, pipes }: Plumbing): Promise<RunningProcess> {
  const helped = helper?.start(request);
  if (helped !== undefined) return helped;
  const stdout = await pipes.take();
  const stderr = await pipes.take();
  if (stdout === undefined || stderr === undefined) {
    stdout?.discard();
    return startProcess(request);
  }
  const { file, args, directory, env, stdin } = request;
  let launched: Launched;
  try {
    launched = await launch({ file, args, directory, env, stdin, outputs: [stdout.path, stderr.path] });
  } catch (error) {
    stdout.discard();
    stderr.discard();
    throw error;
  }
  const ended = takeOutput({ stdout: stdout.read(), stderr: stderr.read() }, launched.exited, request);
  ended.catch(() => {});
  return { pid: launched.pid, ended };
}
