import { open } from 'node:fs/promises';
import type { FailedOutcome, JobPlace } from '../../job/job-run.ts';
import type { PlanNode } from '../../model/plan.ts';
import type { HoldableOutput } from '../../reporters/holdable-output.ts';
import { logTail } from '../../reporters/log-tail.ts';
import type { Reporter } from '../../reporters/reporter.ts';
import { deferred } from '../../util/deferred.ts';
import { type Invocation, print, printLines, printMessage } from '../invocation.ts';
import type { RunOptions } from '../options.ts';
import { userTerminal } from './user-terminal.ts';
import { exitCodeOfShell, visitJob, whereabouts } from './visitor.ts';
import { worthALook } from './worth-a-look.ts';

/** `--on-failure shell`: opens a shell where a job has failed, one at a time. */
export interface FailureShells {
  /** See JobDeps.onScriptFailure. Resolves when the user has left. */
  readonly open: (place: JobPlace, failure: FailedOutcome) => Promise<void>;
  /** Resolves as soon as no shell is open: no job is begun meanwhile. */
  noneOpen(): Promise<void>;
  /** Signals that are meant for the shell. */
  readonly ignores: (signal: NodeJS.Signals) => boolean;
}

interface Parts {
  readonly options: Pick<RunOptions, 'onFailure' | 'reporter'>;
  /** Of all pipelines of the run, by id. */
  readonly nodes: ReadonlyMap<string, PlanNode>;
  /** Of all reporters on the screen. */
  readonly output: HoldableOutput;
  readonly screen: Reporter;
  logPath(jobId: string): string;
}

/** Undefined where they are not wanted, or there is no terminal: that is told. */
export async function failureShells(
  invocation: Invocation,
  { options, nodes, output, screen, logPath }: Parts,
): Promise<FailureShells | undefined> {
  if (options.onFailure !== 'shell') return undefined;
  if (!invocation.stdinIsTty || !invocation.stdout.isTty) {
    await printMessage(invocation, 'warning: --on-failure shell needs a terminal; a failure is followed by no shell');
    return undefined;
  }
  const terminal = userTerminal(invocation);
  const isWorthALook = worthALook(nodes);
  let latest: Promise<void> | undefined;
  const oneAtATime = async (action: () => Promise<void>): Promise<void> => {
    const before = latest;
    const mine = deferred();
    latest = mine.promise;
    await before;
    try {
      await action();
    } finally {
      mine.resolve();
      if (latest === mine.promise) latest = undefined;
    }
  };
  return {
    open: async (place, failure) => {
      if (!isWorthALook(place, failure)) return;
      await oneAtATime(async () => {
        if (place.signal.aborted) return;
        const drawAgain = screen.hold?.();
        output.hold();
        try {
          await printIntroduction(invocation, place, failure, logPath(place.spec.id));
          const exit = await visitJob(place, { kind: 'terminal', terminal }, { invocation });
          await printLines(invocation.stdout, [
            `ci: left with ${exitCodeOfShell(exit)}; job ${place.spec.id} stays failed`,
          ]);
        } finally {
          output.release();
          drawAgain?.();
        }
      });
    },
    noneOpen: async () => {
      while (latest !== undefined) await latest;
    },
    ignores: (signal) => signal === 'SIGINT' && terminal.isLent,
  };
}

const shownLines = 15;
const tailBytes = 16 * 1024;

async function printIntroduction(
  { stdout }: Invocation,
  place: JobPlace,
  failure: FailedOutcome,
  logPath: string,
): Promise<void> {
  const tail = logTail(tailBytes);
  tail.append(await endOf(logPath));
  // With the colours that the job has given them.
  const lines = tail.lines(shownLines).map((line) => `  ${line}\n`);
  await print(stdout, lines.join(''));
  await printLines(stdout, [
    `ci: ${place.spec.id} failed: ${failure.message ?? failure.reason}`,
    `ci: you are in ${whereabouts(place)}, as the script left it`,
    'ci: until you leave (`exit`) no job is begun, and what others print waits; then comes after_script',
  ]);
}

/** The last bytes of a log; nothing where it can't be read. */
async function endOf(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(tailBytes),
      position: Math.max(0, size - tailBytes),
    });
    return buffer.subarray(0, bytesRead);
  } catch {
    return new Uint8Array(0);
  }
}
