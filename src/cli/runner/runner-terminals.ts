import type { VisitorPort } from '../../model/ports.ts';
import type { RunnerConfig, RunnerEntry } from '../../runner/config/runner-config.ts';
import { hasTerminals } from '../../runner/job/runner-traits.ts';
import type { TakenJob } from '../../runner/manager/runner-manager.ts';
import type { SessionInfo } from '../../runner/network/gitlab-client.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import type { Clock } from '../../util/clock.ts';
import { CommandError, exitCodes } from '../exit-code.ts';

/** Terminals into jobs that run. */
export interface RunnerTerminals {
  /** What runners can do for it. */
  readonly sessions: 'served' | 'none';
  /** What goes with a runner's question for a job. */
  offer(runner: RunnerEntry): { readonly session?: SessionInfo };
  /** The people who want to come into a job; they are sent away when it is disposed. Undefined: nobody can. */
  begin(taken: Pick<TakenJob, 'session' | 'answer'>): (VisitorPort & AsyncDisposable) | undefined;
  close(): Promise<void>;
}

const none: RunnerTerminals = { sessions: 'none', offer: () => ({}), begin: () => undefined, close: async () => {} };

/**
 * Serves terminals as `[session_server]` of the file says; nothing of it is loaded where there is none.
 * @param config as it is now: how long people may stay may change.
 * @throws CommandError exit 4: nothing can listen there.
 */
export async function openRunnerTerminals(
  config: () => Pick<RunnerConfig, 'sessionServer'>,
  given: { readonly clock: Clock; readonly log: RunnerLog },
): Promise<RunnerTerminals> {
  const { sessionServer } = config();
  if (sessionServer === undefined) return none;
  const { openRunnerSessions } = await import('../../runner/session/runner-sessions.ts');
  try {
    const sessions = await openRunnerSessions(sessionServer, given);
    return {
      sessions: 'served',
      offer: (runner) => (hasTerminals(runner) ? { session: sessions.offer() } : {}),
      begin: ({ session: offered, answer }) => {
        if (offered === undefined) return undefined;
        const { sessionTimeoutMs: stayMs } = config().sessionServer ?? sessionServer;
        return sessions.begin(offered, { id: answer.job.id, stayMs });
      },
      close: sessions.close,
    };
  } catch (error) {
    throw new CommandError(
      exitCodes.system,
      `can't listen on ${sessionServer.listenAddress}: ${(error as Error).message}`,
      'change `listen_address` of `[session_server]`, or end the program that listens there',
    );
  }
}
