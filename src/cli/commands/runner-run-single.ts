import { dirname, join } from 'node:path';
import { OwnEnd, type OwnEndCause } from '../../runner/manager/own-end.ts';
import { freshSystemId, systemId } from '../../runner/system-id.ts';
import { assertNever } from '../../util/assert-never.ts';
import { systemClock } from '../../util/clock.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { attend } from '../runner/attend.ts';
import { asCommand, runnerFilePath } from '../runner/runner-file.ts';
import { type SingleRunnerOptions, singleRunner } from '../runner/single-runner.ts';

interface Options extends SingleRunnerOptions {
  readonly maxBuilds: number;
  /** Seconds. */
  readonly waitTimeout: number;
}

/** What was given to the runner in its environment and is not for its jobs. */
const ownVariables = ['CI_SERVER_TOKEN', 'SSH_PASSWORD', 'CACHE_S3_ACCESS_KEY', 'CACHE_S3_SECRET_KEY'];

/** `ci runner run-single`: one runner, one job after the other; it needs no file. */
export function runnerRunSingle(invocation: Invocation, _: readonly string[], given: Options): Promise<number> {
  return asCommand(async () => {
    const { config, warnings } = await singleRunner(invocation, given);
    const [runner] = config.runners;
    using ownEnd = new OwnEnd(
      {
        ...(given.maxBuilds === 0 ? {} : { maxJobs: given.maxBuilds }),
        ...(given.waitTimeout === 0 ? {} : { waitTimeoutMs: given.waitTimeout * 1000 }),
        mostRefusals: runner!.unhealthyRequestsLimit,
      },
      systemClock,
    );
    const directory = dirname(runnerFilePath(invocation, given));
    const env = Object.fromEntries(Object.entries(invocation.env).filter(([name]) => !ownVariables.includes(name)));
    const ended = await attend(
      { ...invocation, env },
      {
        output: config,
        open: async (log) => {
          for (const warning of warnings) log('warning', warning);
          log('info', 'Starting a single runner', { name: runner!.name, url: runner!.url, executor: runner!.executor });
          return {
            config: () => config,
            refresh: () => {},
            readings: () => ({ loaded: 1, failed: 0 }),
            // Without a file there is no place to keep one: the server sees each process as a machine of its own.
            systemId: given.runner === undefined ? freshSystemId() : await systemId({ directory, log }),
            certificateDirectory: join(directory, 'certs'),
            ownEnd,
          };
        },
      },
    );
    if (ended === exitCodes.ok && ownEnd.cause !== undefined) await tellEnd(invocation, given, ownEnd.cause);
    return ended;
  });
}

/** Says why it has ended. @throws CommandError exit 4 where that is no good end. */
async function tellEnd(invocation: Invocation, { waitTimeout, maxBuilds }: Options, cause: OwnEndCause): Promise<void> {
  switch (cause.kind) {
    case 'all-jobs-done':
      return printMessage(invocation, `that was job ${maxBuilds} of ${maxBuilds}: the runner ends`);
    case 'waited':
      if (cause.unanswered === undefined) {
        return printMessage(invocation, `no job came in ${waitTimeout} s: the runner ends`);
      }
      throw new CommandError(
        exitCodes.system,
        `no job came in ${waitTimeout} s; the server could not be asked: ${cause.unanswered}`,
      );
    case 'refused':
      throw new CommandError(
        exitCodes.system,
        `the server refuses this runner: ${cause.why}`,
        'its token may be wrong or removed: make a runner on the server, and use the token that it shows',
      );
    default:
      return assertNever(cause);
  }
}
