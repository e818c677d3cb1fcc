import { randomBytes } from 'node:crypto';
import { finished } from 'node:stream/promises';
import type { Exit } from '../../model/outcome.ts';
import type { Deferred } from '../../util/deferred.ts';
import { markerName } from '../../util/process-strays.ts';
import { type RemoteVisit, type UserTerminal, usualSize } from '../visit.ts';
import { hangUpMarked } from './bootstrap.ts';
import type { JobContainerPlace } from './job-container-place.ts';
import { visitContainer } from './visit-container.ts';

/** How long ending a visitor's processes may take, milliseconds; HUP and KILL are a second apart. */
const patienceMs = 5000;

/**
 * Lets somebody at a remote terminal in beside the commands of a running container. Engines leave an exec running whose
 * connection is gone: so its processes are ended by their mark.
 * @param ends see visitContainer.
 */
export async function letIn(
  place: JobContainerPlace,
  ends: Map<string, Deferred<number>>,
  { terminal, env, directory }: RemoteVisit,
  signal: AbortSignal,
): Promise<Exit> {
  if (signal.aborted) return { kind: 'signal', signal: 'SIGHUP' };
  const mark = `${markerName}=${randomBytes(12).toString('hex')}`;
  const user: UserTerminal = {
    lend: () => ({ [Symbol.dispose]: () => {} }),
    open: () => ({ ...terminal, size: () => usualSize, onResize: () => {}, [Symbol.dispose]: () => {} }),
  };
  const by = { kind: 'terminal', terminal: user } as const;
  const visit = { env, by, ...(directory === undefined ? {} : { directory }) };
  try {
    return await visitContainer(place, ends, visit, signal, mark);
  } catch (error) {
    throw place.engine.failure('open a terminal', error);
  } finally {
    await endVisit(place, mark);
  }
}

/** A container that is gone has nobody left. */
async function endVisit({ engine, id }: JobContainerPlace, mark: string): Promise<void> {
  try {
    const exec = await engine.api.getContainer(id).exec({ Cmd: ['sh', '-c', hangUpMarked(mark)], AttachStdout: true });
    const stream = await engine.attachExec(exec.id);
    const timer = setTimeout(() => stream.destroy(), patienceMs);
    try {
      await finished(stream.resume(), { writable: false });
    } finally {
      clearTimeout(timer);
      stream.destroy();
    }
  } catch {
    // The same: whoever could be told is not there.
  }
}
