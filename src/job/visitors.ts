import { SystemError } from '../model/outcome.ts';
import { anySignal } from '../util/any-signal.ts';
import { goDuration } from './job-limits.ts';
import type { JobRun } from './job-run.ts';
import { placeOf } from './places.ts';

/** Lets people come into the job from now on. Where they can't, the job's log says why and the job goes on. */
export async function openDoor(run: JobRun): Promise<void> {
  const { deps, session, limits, log } = run;
  const { visitors } = deps;
  if (visitors === undefined) return;
  try {
    const door = await session.door?.(limits.soft);
    if (door === undefined) return visitors.refuse();
    const { env, directory } = placeOf(run, undefined);
    visitors.open(async (terminal, signal) => {
      using either = anySignal([signal, limits.hard]);
      await door({ env: { ...env, ...terminalVariables(session.shell) }, directory, terminal }, either.signal);
    });
  } catch (error) {
    visitors.refuse();
    // A job that has to end tells that itself.
    if (limits.ending() !== undefined) return;
    if (!(error instanceof SystemError)) throw error;
    await log.warning(`there is no terminal for this job: ${error.message}`);
  }
}

/**
 * Keeps the place of a job whose work is done as long as somebody is in, within the job's own time and what is allowed for that.
 * A job that has to end waits for nobody. The words are GitLab Runner's.
 */
export async function waitForVisitors({ deps, limits, log }: JobRun): Promise<void> {
  const { visitors, clock } = deps;
  if (!visitors?.isOccupied() || limits.soft.aborted) return;
  const stayMs = Math.round(Math.min(visitors.stayMs, limits.leftMs()) / 1000) * 1000;
  await log.info(`Terminal is connected, will time out in ${goDuration(stayMs)}...`);
  const over = new AbortController();
  using stop = anySignal([over.signal, limits.soft]);
  const left = visitors.empty().then(() => 'left' as const);
  const reason = await Promise.race([left, clock.sleep(stayMs, stop.signal).then(() => 'timeout' as const)]);
  over.abort();
  if (limits.soft.aborted) return;
  await log.info(
    reason === 'left'
      ? 'Terminal disconnected'
      : `terminal session timed out (maximum time allowed - ${goDuration(stayMs)})`,
  );
}

/** What programs at a terminal look at, and a prompt that tells where one is. */
function terminalVariables(shell: 'bash' | 'sh'): Readonly<Record<string, string>> {
  return { TERM: 'xterm-256color', PS1: shell === 'bash' ? '\\w\\$ ' : '$ ', HISTFILE: '' };
}
