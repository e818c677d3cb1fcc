import { mapFileErrors } from '../util/files/map-file-errors.ts';
import { SystemError } from './outcome.ts';

/** Runs `work` so that a full disk or a missing permission is a SystemError that names the path. */
export function withFileErrors<T>(
  context: { readonly doing: string; readonly path?: string; readonly bytesNeeded?: number },
  work: () => Promise<T>,
): Promise<T> {
  return mapFileErrors(
    context,
    ({ message, hint }, cause) =>
      new SystemError('runner_system_failure', message, { cause, ...(hint === undefined ? {} : { hint }) }),
    work,
  );
}
