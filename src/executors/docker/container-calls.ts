import { type Exit, limitText } from '../../model/outcome.ts';
import type { Command } from '../executor.ts';
import type { MemoryKills } from './container-usage.ts';
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
 * @param kills while the command ran; undefined: not known.
 */
export async function exitOf(
  { engine, id, memoryBytes }: Pick<JobContainerPlace, 'engine' | 'id' | 'memoryBytes'>,
  { stderr }: Pick<Command, 'stderr'>,
  code: number,
  kills: MemoryKills | undefined,
): Promise<Exit> {
  const limitBytes = isBeyondLimit(kills, memoryBytes) ? undefined : memoryBytes;
  const outOfMemory: Exit = { kind: 'out-of-memory', code, ...(limitBytes === undefined ? {} : { limitBytes }) };
  if (kills === undefined) {
    if (code !== 137) return { kind: 'code', code };
    const { State } = await engine.api.getContainer(id).inspect();
    return State.OOMKilled ? outOfMemory : { kind: 'code', code };
  }
  if (kills.count === 0)
    return code === 137 ? { kind: 'code', code, lackOfMemory: 'ruled-out' } : { kind: 'code', code };
  if (code !== 0) return outOfMemory;
  const what = kills.count === 1 ? 'a process was' : `${kills.count} processes were`;
  await stderr.write(Buffer.from(`WARNING: ${what} killed: out of memory${limitText(limitBytes)}\n`));
  return { kind: 'code', code };
}

/** The kernel takes memory in portions: so near to its limit a container has reached it. */
const portionBytes = 1 << 20;

/** Was memory short without the container's own limit: on the machine, or in what the engine runs in? */
function isBeyondLimit(kills: MemoryKills | undefined, limitBytes: number | undefined): boolean {
  if (kills?.limitHits !== undefined) return kills.limitHits === 0;
  const peakBytes = kills?.memoryPeakBytes;
  return peakBytes !== undefined && limitBytes !== undefined && peakBytes < limitBytes - portionBytes;
}
