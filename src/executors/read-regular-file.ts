import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** Content of a regular file of at most `maxBytes`; undefined if it is not there or is something else. Never waits for a writer. */
export async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return undefined;
    throw error;
  });
  if (stats === undefined || !stats.isFile() || stats.size > maxBytes) return undefined;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(Math.min(maxBytes, stats.size));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}
