import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomHex } from '../random-hex.ts';

/**
 * Writes a file so that a reader, also one after a crash, sees the old content or the new one and nothing else:
 * a temporary file beside it, flushed, then renamed. The directory must exist.
 * @param options.mode permission bits, default 0o644 less the umask.
 * @param options.durable `flushed` (default) waits for the disk; `fast` survives a killed process, not a power cut.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly durable?: 'flushed' | 'fast' } = {},
): Promise<void> {
  const temporary = join(dirname(path), `.tmp-${process.pid}-${randomHex(6)}`);
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await file.writeFile(content);
      if (options.durable !== 'fast') await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
