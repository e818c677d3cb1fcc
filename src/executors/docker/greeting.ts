import type { LogSink } from '../../model/ports.ts';

/** Lets output through but for one line, and knows whether that came. */
export interface GreetingFilter {
  readonly stdout: LogSink;
  /** Has the greeting come? */
  readonly isGreeted: () => boolean;
  /** Lets go of what was held back. */
  finish(): Promise<void>;
}

/**
 * Takes the bootstrap's greeting out of a container's output. What stands before it was written by the image's
 * entrypoint.
 */
export function greetingFilter(greeting: string, stdout: LogSink): GreetingFilter {
  const wanted = Buffer.from(`${greeting}\n`);
  let held = Buffer.alloc(0);
  let isGreeted = false;
  const pass = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length > 0) await stdout.write(bytes);
  };
  return {
    isGreeted: () => isGreeted,
    stdout: {
      write: async (bytes) => {
        if (isGreeted) return stdout.write(bytes);
        const all = Buffer.concat([held, bytes]);
        const at = all.indexOf(wanted);
        isGreeted = at >= 0;
        const kept = isGreeted ? 0 : begunBytes(all, wanted);
        held = Buffer.from(all.subarray(all.length - kept));
        if (!isGreeted) return pass(all.subarray(0, all.length - kept));
        await pass(all.subarray(0, at));
        return pass(all.subarray(at + wanted.length));
      },
    },
    finish: async () => {
      const rest = held;
      held = Buffer.alloc(0);
      await pass(rest);
    },
  };
}

/** How many of the last bytes may be the beginning of what is wanted. */
function begunBytes(bytes: Buffer, wanted: Buffer): number {
  for (let count = Math.min(bytes.length, wanted.length - 1); count > 0; count--) {
    if (bytes.subarray(bytes.length - count).equals(wanted.subarray(0, count))) return count;
  }
  return 0;
}
