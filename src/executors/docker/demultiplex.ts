import type { Readable } from 'node:stream';
import type { LogSink } from '../../model/ports.ts';

/**
 * Splits the engine's joined output into its two streams and resolves at its end. Nothing is read while a sink is
 * busy, and nothing is kept but a header cut in two.
 * @param onChunk called with the size of each chunk before it is taken, and with 0 when it has been.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export async function demultiplex(
  from: Readable,
  stdout: LogSink,
  stderr: LogSink,
  onChunk?: (bytes: number) => void,
): Promise<void> {
  const header = Buffer.alloc(8);
  let headerBytes = 0;
  let stream = 1;
  let left = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    onChunk?.(chunk.length);
    let pending: Buffer[] = [];
    let pendingStream = stream;
    const flush = async (): Promise<void> => {
      if (pending.length === 0) return;
      const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
      pending = [];
      await (pendingStream === 2 ? stderr : stdout).write(bytes);
    };
    for (let at = 0; at < chunk.length; ) {
      if (left === 0) {
        const taken = chunk.copy(header, headerBytes, at, at + 8 - headerBytes);
        headerBytes += taken;
        at += taken;
        if (headerBytes < 8) break;
        headerBytes = 0;
        stream = header[0]!;
        left = header.readUInt32BE(4);
        continue;
      }
      if (stream !== pendingStream) await flush();
      pendingStream = stream;
      const end = Math.min(chunk.length, at + left);
      pending.push(chunk.subarray(at, end));
      left -= end - at;
      at = end;
    }
    await flush();
    onChunk?.(0);
  }
}
