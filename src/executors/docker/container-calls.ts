import type { Exit } from '../../model/outcome.ts';
import type { Engine } from './engine.ts';

/**
 * Runs a command inside a running container without waiting for its end. Even root may not read the environment of
 * another user's process, so what looks for it runs as the job's user.
 */
export async function runDetached(
  engine: Engine,
  container: string,
  script: string,
  as: 'root' | 'user',
): Promise<void> {
  const exec = await engine.api.getContainer(container).exec({
    Cmd: ['sh', '-c', script],
    ...(as === 'root' ? { User: '0' } : {}),
    AttachStdout: false,
    AttachStderr: false,
  });
  // The response has no body, but its connection stays open until it was read.
  (await exec.start({ Detach: true })).resume();
}

/** An exit code as an Exit; 137 may mean that the container ran out of memory, which only the engine knows. */
export async function exitOf(
  engine: Engine,
  container: string,
  code: number,
  memoryBytes: number | undefined,
): Promise<Exit> {
  if (code !== 137) return { kind: 'code', code };
  const { State } = await engine.api.getContainer(container).inspect();
  if (!State.OOMKilled) return { kind: 'code', code };
  return { kind: 'out-of-memory', ...(memoryBytes === undefined ? {} : { limitBytes: memoryBytes }) };
}
