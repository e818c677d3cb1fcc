import { SystemError } from '../../model/outcome.ts';
import { unlessAborted } from '../../util/unless-aborted.ts';
import type { JobContainerPlace } from './job-container-place.ts';

/** The engine had not answered when a job that has to end could wait no longer. What it may still do is not known. */
export class EngineSilent extends SystemError {}

/**
 * Waits for an engine's answer, but once the job has to end for no longer than its scripts may take to end.
 * @param late gets an answer that comes after all.
 * @throws EngineSilent, or what the call rejects with.
 */
export async function answerOf<T>(
  { engine, graceMs }: Pick<JobContainerPlace, 'engine' | 'graceMs'>,
  call: Promise<T>,
  signal: AbortSignal,
  late?: (answer: T) => void,
): Promise<T> {
  try {
    return await unlessAborted(call, signal, { patienceMs: graceMs, ...(late === undefined ? {} : { late }) });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    const message = `container engine ${engine.text}: no answer within ${graceMs / 1000} s, and the job has to end`;
    throw new EngineSilent('runner_system_failure', message, { cause: error });
  }
}
