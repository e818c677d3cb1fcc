import { closeSync, openSync, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { SystemError } from '../../model/outcome.ts';

const readBytes = promisify(read);
const writeBytes = promisify(write);

/** Up to this length a write costs less than handing it to a thread. */
const smallBytes = 16 * 1024;

/** So much is kept in memory of what comes after a write that failed: enough to say why the job ends. */
const reserveBytes = 16 * 1024;
/** And so much of what was being written. */
const mostOfPieceBytes = 4096;

/** A log on disk: bytes are added at its end and read from anywhere. For its owner alone. */
export class Spool {
  readonly path: string;
  readonly #file: number;
  /** What lies in the file. */
  #size = 0;
  /** What comes after that: the disk did not take it. */
  #tail: Buffer = Buffer.alloc(0);
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

  /** Bytes that can be read. */
  get size(): number {
    return this.#size + this.#tail.length;
  }

  /** Where the next byte comes: it begins a line, or goes on with one. */
  get end(): 'line' | 'within a line' {
    return this.#end;
  }

  /** Of all bytes, as the server wants it: `crc32:` and eight digits. */
  get checksum(): string {
    return `crc32:${this.#crc.toString(16).padStart(8, '0')}`;
  }

  /**
   * Resolves when the bytes lie in the file; they count from then on. After a write that failed a little is kept in memory
   * instead, so that a log which breaks off tells why. @throws SystemError naming the path (disk full).
   */
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
    if (start >= this.#size) return this.#tail.subarray(start - this.#size, start - this.#size + most);
    const length = Math.min(most, this.#size - start);
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
    let rest = bytes;
    try {
      while (rest.length > 0 && this.#tail.length === 0) {
        const taken = writeSync(this.#file, rest);
        this.#size += taken;
        this.#count(rest.subarray(0, taken));
        rest = rest.subarray(taken);
      }
    } catch (error) {
      this.#keep(beginningOf(rest));
      throw failure(this.path, error);
    }
    this.#keep(rest);
  }

  async #appendLater(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    try {
      while (rest.length > 0 && this.#tail.length === 0) {
        const { bytesWritten } = await writeBytes(this.#file, rest);
        this.#size += bytesWritten;
        this.#count(rest.subarray(0, bytesWritten));
        rest = rest.subarray(bytesWritten);
      }
    } catch (error) {
      this.#keep(beginningOf(rest));
      throw failure(this.path, error);
    }
    this.#keep(rest);
  }

  #count(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#crc = crc32(bytes, this.#crc);
    this.#end = bytes[bytes.length - 1] === 0x0a ? 'line' : 'within a line';
  }

  /** @throws SystemError: that is too much. */
  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#tail.length + bytes.length > reserveBytes) throw failure(this.path, new Error('no more is kept'));
    this.#tail = Buffer.concat([this.#tail, bytes]);
    this.#count(bytes);
  }

  async #countWhatIsThere(): Promise<void> {
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await readBytes(this.#file, buffer, 0, buffer.length, this.#size);
      if (bytesRead === 0) return;
      this.#size += bytesRead;
      this.#count(buffer.subarray(0, bytesRead));
    }
  }
}

/** So much that the line is whole, or else the last character. */
function beginningOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= mostOfPieceBytes) return bytes;
  const line = bytes.subarray(0, mostOfPieceBytes).indexOf(0x0a);
  if (line >= 0) return bytes.subarray(0, line + 1);
  let end = mostOfPieceBytes;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
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
