import type { Readable } from 'node:stream';
import { type Engine, statusOf } from './engine.ts';

/** Exit codes of a container that was killed, or that its engine ended before it stopped itself. */
const killedCodes: ReadonlySet<number> = new Set([137, 143]);

/** How long the engine may take to look it up, milliseconds. */
const lookMs = 5000;

/**
 * Ends a job as a failure of the surroundings if neither it nor we have ended its container: an engine that is stopped
 * ends its containers first, and the exit code does not tell that from a script that was killed. Costs two calls, for
 * these exit codes only.
 * @throws SystemError when somebody else did, or when the engine can't be asked any more.
 */
export async function throwIfEndedFromOutside(engine: Engine, container: string, code: number): Promise<void> {
  if (!killedCodes.has(code)) return;
  let wasKilled: boolean;
  try {
    wasKilled = await hasKillEvent(engine, container);
  } catch (error) {
    if (statusOf(error) === undefined) throw engine.failure('ask how a container ended', error);
    // Somebody has removed it.
    wasKilled = statusOf(error) === 404;
  }
  if (!wasKilled) return;
  const who = 'the engine stopped, or somebody called `docker stop` or `docker rm -f`';
  throw engine.failure(
    "keep the job's container",
    new Error(`it was ended from outside with exit code ${code}: ${who}`),
  );
}

/** The engine notes each signal that it was asked to send, ours and those of its own end. */
async function hasKillEvent({ api }: Engine, container: string): Promise<boolean> {
  const { State } = await api.getContainer(container).inspect();
  const since = (Date.parse(State.StartedAt) / 1000).toFixed(3);
  const filters = JSON.stringify({ container: [container], event: ['kill', 'die'] });
  const signal = AbortSignal.timeout(lookMs);
  const question = { since, filters, abortSignal: signal } as never;
  const events = await (api.getEvents(question) as unknown as Promise<Readable>);
  try {
    for await (const chunk of events) {
      const text = String(chunk);
      if (text.includes('"Action":"kill"')) return true;
      if (text.includes('"Action":"die"')) return false;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    events.destroy();
  }
  return false;
}
