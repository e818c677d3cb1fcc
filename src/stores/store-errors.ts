import { SystemError } from '../model/outcome.ts';
import { mapFileErrors } from '../util/files/map-file-errors.ts';

/** Runs `work` so that a full disk or a missing permission is a SystemError that names the path. */
export function withStoreErrors<T>(
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
