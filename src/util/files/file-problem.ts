/** What went wrong in the file system, in words for people. */
export interface FileProblem {
  readonly code: string;
  readonly path: string | undefined;
  readonly message: string;
  /** What to do about it, one line. */
  readonly hint: string | undefined;
}

const words: Readonly<Record<string, readonly [string, string | undefined]>> = {
  ENOSPC: ['no space left on the device', 'free some space, for example with `ci clean` and `ci cache prune`'],
  EDQUOT: ['the disk quota is used up', 'free some space, for example with `ci clean` and `ci cache prune`'],
  EACCES: ['permission denied', 'check owner and mode of the path and of its parent directories'],
  EPERM: ['operation not permitted', 'check owner and mode of the path and of its parent directories'],
  EROFS: ['the file system is read-only', undefined],
  EMFILE: ['too many open files', 'raise the limit with `ulimit -n`'],
  ENFILE: ['too many open files on this machine', undefined],
  EIO: ['input/output error', 'the disk may be failing'],
  ENAMETOOLONG: ['the name is too long', undefined],
  ELOOP: ['too many symbolic links', undefined],
  ENOTDIR: ['a part of the path is no directory', undefined],
  EISDIR: ['is a directory', undefined],
  EEXIST: ['something else is there', undefined],
  ENOENT: ['no such file or directory', undefined],
  EMLINK: ['too many hard links', undefined],
  EXDEV: ['not on the same file system', undefined],
};

/** The error's code (`ENOENT`), or undefined if it is no error of the operating system. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** What went wrong, without what it was done to; an error of another kind says it itself. */
export function fileWords(error: unknown): string {
  return words[errorCode(error) ?? '']?.[0] ?? (error instanceof Error ? error.message : String(error));
}

/** What `copyFile` and `noteBytesNeeded` put on an error. */
interface NotedError {
  readonly dest?: string;
  readonly bytesNeeded?: number;
}

/** Notes on an error that the disk is full how much the whole operation was to write; gives the error back. */
export function noteBytesNeeded(error: unknown, bytes: () => number): unknown {
  const code = errorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' ? Object.assign(error as Error, { bytesNeeded: bytes() }) : error;
}

/**
 * Explains an error of a file operation; undefined if `error` is none (then it is a bug of ours or an abort).
 * @param context.doing what was tried, as `save the cache`.
 * @param context.bytesNeeded how much the whole operation needs, named when the disk is full.
 */
export function explainFileError(
  error: unknown,
  context: { readonly doing: string; readonly path?: string; readonly bytesNeeded?: number },
): FileProblem | undefined {
  const code = errorCode(error);
  if (code === undefined) return undefined;
  const { path: from, dest, bytesNeeded: known } = error as NodeJS.ErrnoException & NotedError;
  const path = (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS' ? dest : undefined) ?? from ?? context.path;
  const [what, hint] = words[code] ?? [(error as Error).message, undefined];
  const bytesNeeded = context.bytesNeeded ?? known;
  const full = (code === 'ENOSPC' || code === 'EDQUOT') && bytesNeeded !== undefined;
  const needed = full ? ` (${bytesNeeded} bytes needed)` : '';
  return {
    code,
    path,
    message: `cannot ${context.doing}: ${path === undefined ? '' : `${path}: `}${what}${needed}`,
    hint,
  };
}
