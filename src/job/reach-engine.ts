import type { JobRun } from './job-run.ts';

/** Tells whether commands of the job reach a container engine. What needs one fails by itself where they don't. */
export async function reachEngine({ session, log }: JobRun): Promise<void> {
  if (session.engine === 'out of reach') {
    await log.warning(
      'the job reaches no container engine: start ci with `--mount-socket`, which gives it the one it runs in',
    );
    return;
  }
  const which = session.engine === 'reached' ? 'the engine that it runs in' : 'the engine of this machine';
  await log.info(`Commands of the job reach ${which}`);
}
