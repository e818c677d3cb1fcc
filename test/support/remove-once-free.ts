import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Removes a folder in which processes that have just been killed may still have mounts, or write: both end a moment
 * later. (`rmSync` tries again where a folder is not empty, but not where it is busy.)
 */
export async function removeOnceFree(directory: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (tries === 100 || !['EBUSY', 'ENOTEMPTY', 'EPERM'].includes(code)) throw error;
    }
    await sleep(100);
  }
}
