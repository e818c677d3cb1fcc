import { closeSync, openSync, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { SystemError } from '../../model/outcome.ts';

const readBytes = promisify(read);
const writeBytes = promisify(write);

/** Up to this length a write costs less than handing it to a thread. */
const smallBytes = 16 * 1024;

/** A log on disk: bytes are added at its end and read from anywhere. For its owner alone. */
export class Spool {
  readonly path: string;
  readonly #file: number;
  #size = 0;
  #crc = 0;
  #end: 'line' | 'within a line' = 'line';
  #last: Promise<void> = Promise.resolve();
  #underWay = 0;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
  }

  /** Opens the file, or makes it; what is in it counts. @throws SystemError naming the path. */
  static async open(path: string): Promise<Spool> {
    try {
      const spool = new Spool(path, openSync(path, 'a+', 0o600));
      await spool.#countWhatIsThere();
      return spool;
    } catch (error) {
      throw failure(path, error);
    }
  }

  /** Bytes that lie in the file. */
  get size(): number {
    return this.#size;
  }

  /** Where the next byte comes: it begins a line, or goes on with one. */
  get end(): 'line' | 'within a line' {
    return this.#end;
  }

  /** Of all bytes, as the server wants it: `crc32:` and eight digits. */
  get checksum(): string {
    return `crc32:${this.#crc.toString(16).padStart(8, '0')}`;
  }

  /** Resolves when the bytes lie in the file; they count from then on. @throws SystemError naming the path (disk full). */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#underWay === 0 && bytes.length <= smallBytes) return this.#appendNow(bytes);
    this.#underWay++;
    const done = this.#last.then(() => this.#appendLater(bytes));
    // A piece that failed is its writer's to hear of; the next one tries again.
    this.#last = done.catch(() => {});
    try {
      await done;
    } finally {
      this.#underWay--;
    }
  }

  /** At most `most` bytes from `start` on; fewer, or none, at the end. */
  async read(start: number, most: number): Promise<Uint8Array> {
    const length = Math.max(0, Math.min(most, this.#size - start));
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await readBytes(this.#file, buffer, filled, length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  /** Resolves when nothing is being written. */
  async flushed(): Promise<void> {
    await this.#last;
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#last;
    closeSync(this.#file);
  }

  #appendNow(bytes: Uint8Array): void {
    try {
      for (let rest = bytes; rest.length > 0; ) {
        const taken = writeSync(this.#file, rest);
        this.#count(rest.subarray(0, taken));
        rest = rest.subarray(taken);
      }
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  async #appendLater(bytes: Uint8Array): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0; ) {
        const { bytesWritten } = await writeBytes(this.#file, rest);
        this.#count(rest.subarray(0, bytesWritten));
        rest = rest.subarray(bytesWritten);
      }
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  #count(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#crc = crc32(bytes, this.#crc);
    this.#end = bytes[bytes.length - 1] === 0x0a ? 'line' : 'within a line';
    this.#size += bytes.length;
  }

  async #countWhatIsThere(): Promise<void> {
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await readBytes(this.#file, buffer, 0, buffer.length, this.#size);
      if (bytesRead === 0) return;
      this.#count(buffer.subarray(0, bytesRead));
    }
  }
}

function failure(path: string, cause: unknown): SystemError {
  if (cause instanceof SystemError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  const why = full ? 'no space left' : cause instanceof Error ? cause.message : String(cause);
  return new SystemError('runner_system_failure', `can't keep the job's log in ${path}: ${why}`, {
    cause,
    ...(full ? { hint: 'free some space on the disk where the runner keeps its state' } : {}),
  });
}
