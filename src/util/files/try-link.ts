import { linkSync } from 'node:fs';
import { errorCode } from './file-problem.ts';

/**
 * Makes a hard link, or tells why there is none: something is at `to` already, there is no `from`, or the file system
 * or the file does not allow it.
 * @throws any other error of the operating system.
 */
export function tryLink(from: string, to: string): 'linked' | 'blocked' | 'not there' | 'impossible' {
  try {
    linkSync(from, to);
    return 'linked';
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EEXIST') return 'blocked';
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'not there';
    if (['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'ENOSYS'].includes(code)) return 'impossible';
    throw error;
  }
}
