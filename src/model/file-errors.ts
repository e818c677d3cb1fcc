import type { FileProblem } from '../util/files/file-problem.ts';
import { explained, mapFileErrors } from '../util/files/map-file-errors.ts';
import { SystemError } from './outcome.ts';

interface Doing {
  readonly doing: string;
  readonly path?: string;
  readonly bytesNeeded?: number;
}

/** Runs `work` so that a full disk or a missing permission is a SystemError that names the path. */
export function withFileErrors<T>(context: Doing, work: () => Promise<T>): Promise<T> {
  return mapFileErrors(context, systemError, work);
}

/** The same for what is done at once. */
export function withFileErrorsNow<T>(context: Doing, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(error, context, systemError);
  }
}

function systemError({ message, hint }: FileProblem, cause: unknown): SystemError {
  return new SystemError('runner_system_failure', message, { cause, ...(hint === undefined ? {} : { hint }) });
}
