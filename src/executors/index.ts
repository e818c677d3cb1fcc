import { assertNever } from '../util/assert-never.ts';
import type { DockerExecutorOptions } from './docker/docker-executor.ts';
import type { Executor } from './executor.ts';
import type { ShellExecutorOptions } from './shell/shell-executor.ts';
import type { SshExecutorOptions } from './ssh/ssh-executor.ts';

/** Which executor to load, with what it has to be told. */
export type ExecutorRequest =
  | { readonly name: 'shell'; readonly options: ShellExecutorOptions }
  | { readonly name: 'docker'; readonly options: DockerExecutorOptions }
  | { readonly name: 'ssh'; readonly options: SshExecutorOptions };

/** Loads an executor's code when it is wanted, so that nobody else waits for it. */
export async function loadExecutor(request: ExecutorRequest): Promise<Executor> {
  switch (request.name) {
    case 'shell':
      return (await import('./shell/shell-executor.ts')).createShellExecutor(request.options);
    case 'docker':
      return (await import('./docker/docker-executor.ts')).createDockerExecutor(request.options);
    case 'ssh':
      return (await import('./ssh/ssh-executor.ts')).createSshExecutor(request.options);
    default:
      return assertNever(request);
  }
}
