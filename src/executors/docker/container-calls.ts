import { type Exit, limitText } from '../../model/outcome.ts';
import type { Command } from '../executor.ts';
import type { Engine } from './engine.ts';
import type { JobContainerPlace } from './job-container-place.ts';

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

/**
 * An exit code as an Exit: was memory short? The kernel's count of processes that it has ended for that is what the
 * container tells at its end; where it could not, the engine is asked, who knows of the whole container alone.
 * @param oomKills while the command ran; undefined: not known.
 */
export async function exitOf(
  { engine, id, memoryBytes }: Pick<JobContainerPlace, 'engine' | 'id' | 'memoryBytes'>,
  { stderr }: Pick<Command, 'stderr'>,
  code: number,
  oomKills: number | undefined,
): Promise<Exit> {
  const outOfMemory: Exit = {
    kind: 'out-of-memory',
    code,
    ...(memoryBytes === undefined ? {} : { limitBytes: memoryBytes }),
  };
  if (oomKills === undefined) {
    if (code !== 137) return { kind: 'code', code };
    const { State } = await engine.api.getContainer(id).inspect();
    return State.OOMKilled ? outOfMemory : { kind: 'code', code };
  }
  if (oomKills === 0) return code === 137 ? { kind: 'code', code, lackOfMemory: 'ruled-out' } : { kind: 'code', code };
  if (code !== 0) return outOfMemory;
  const what = oomKills === 1 ? 'a process was' : `${oomKills} processes were`;
  await stderr.write(Buffer.from(`WARNING: ${what} killed: out of memory${limitText(memoryBytes)}\n`));
  return { kind: 'code', code };
}
