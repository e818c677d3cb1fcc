import type { Readable } from 'node:stream';
import type { JobSpec } from '../../model/job-spec.ts';
import type { LogSink } from '../../model/ports.ts';
import { demultiplex } from './demultiplex.ts';
import type { Engine } from './engine.ts';

/**
 * Does the job want to see what its services write?
 * Source: https://docs.gitlab.com/ci/services/#capturing-service-container-logs
 */
export function debugsServices({ variables }: JobSpec): 'on' | 'off' | 'invalid' {
  const value = variables.findLast(({ name }) => name === 'CI_DEBUG_SERVICES')?.value ?? '';
  if (/^(1|t|true)$/i.test(value)) return 'on';
  return /^(|0|f|false)$/i.test(value) ? 'off' : 'invalid';
}

/** What a service writes, as it comes. */
export interface FollowedLog {
  close(): void;
}

/** Copies a container's output into a job's log, each line with the service's name and the engine's time before it. */
export async function followLog(engine: Engine, container: string, name: string, out: LogSink): Promise<FollowedLog> {
  const options = { follow: true, stdout: true, stderr: true, timestamps: true } as const;
  const stream = (await engine.api.getContainer(container).logs(options)) as unknown as Readable;
  // It ends with the container, or when the job does.
  const lines = [namedLines(name, out), namedLines(name, out)] as const;
  demultiplex(stream, ...lines)
    .catch(() => {})
    .then(() => Promise.all(lines.map(({ flush }) => flush())))
    .catch(() => {});
  return { close: () => stream.destroy() };
}

/** What is no whole line waits for its rest, up to so many bytes. */
const longestLine = 64 * 1024;

/** Writes whole lines, in grey as GitLab Runner does. */
function namedLines(name: string, out: LogSink): LogSink & { flush(): Promise<void> } {
  let rest = Buffer.alloc(0);
  const say = async (text: string): Promise<void> => {
    const lines = text.split('\n').map((line) => `\x1b[0;90m[service:${name}] ${line}\x1b[0;m\n`);
    await out.write(Buffer.from(lines.join('')));
  };
  const flush = async (): Promise<void> => {
    const text = rest.toString('utf8');
    rest = Buffer.alloc(0);
    if (text !== '') await say(text);
  };
  return {
    flush,
    write: async (bytes) => {
      const all = Buffer.concat([rest, bytes]);
      const end = all.lastIndexOf('\n') + 1;
      rest = Buffer.from(all.subarray(end));
      if (end > 0) await say(all.toString('utf8', 0, end - 1));
      if (rest.length > longestLine) await flush();
    },
  };
}

/** The end of what a container wrote; `''` if it wrote nothing or can't be asked. */
export async function lastLines(engine: Engine, container: string, count: number): Promise<string> {
  try {
    const options = { stdout: true, stderr: true, tail: count, follow: false } as const;
    return withoutHeaders(await engine.api.getContainer(container).logs(options)).trimEnd();
  } catch {
    return '';
  }
}

/** Each piece of a container's log comes after 8 bytes: stream and length. */
function withoutHeaders(logs: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= logs.length; ) {
    const length = logs.readUInt32BE(at + 4);
    pieces.push(logs.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString('utf8');
}
