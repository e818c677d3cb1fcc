import { SystemError } from '../model/outcome.ts';

const hints: Readonly<Record<string, string>> = {
  ENOSPC: '`ci clean` and `ci cache prune` free space',
  EDQUOT: '`ci clean` and `ci cache prune` free space',
  EACCES: 'check the permissions of the directory',
  EROFS: 'choose another place with CI_CLI_HOME',
};

/** The SystemError for a file that can't be written: names the path and, for a full disk, how to mend it. */
export function writeFailure(path: string, cause: unknown): SystemError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why =
    code === 'ENOSPC' || code === 'EDQUOT' ? 'no space left' : cause instanceof Error ? cause.message : String(cause);
  const hint = hints[code];
  return new SystemError('runner_system_failure', `can't write ${path}: ${why}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
