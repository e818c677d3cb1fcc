import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { TestTiming, TestTimingsPort } from '../model/ports.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';

/** Where the times of a project's tests are kept. All absolute paths of files, none of which need exist. */
export interface TestTimingsPlace {
  /** Of all runs. */
  readonly store: string;
  /** What this run saw. */
  readonly seen: string;
  /** What the run saw from which this one goes on. */
  readonly seenBefore?: string;
}

/** What is kept: those of which nothing was heard for longest go first. */
const most = { lines: 60_000, bytes: 4 << 20 };

/** Times of tests as lines of text. Of two runs that add at the same moment one may be forgotten; nothing is ever half written. */
export function testTimings(place: TestTimingsPlace): TestTimingsPort {
  let known: Promise<string | undefined> | undefined;
  let adding: Promise<void> = Promise.resolve();
  return {
    known: () => {
      known ??= withFileErrors({ doing: 'read the times of tests', path: place.store }, () => look(place));
      return known;
    },
    add: (timings) => {
      const added = adding.then(() =>
        withFileErrors({ doing: 'keep the times of tests', path: place.store }, () => merge(place.store, timings)),
      );
      adding = added.catch(() => {});
      return added;
    },
  };
}

async function look({ store, seen, seenBefore }: TestTimingsPlace): Promise<string | undefined> {
  const from = seenBefore !== undefined && existsSync(seenBefore) ? seenBefore : store;
  const text = (await read(from)) ?? '';
  // Also that nothing was known is remembered.
  await writeFileAtomic(seen, text, { mode: 0o600, durable: 'fast' });
  return text === '' ? undefined : text;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function merge(store: string, timings: readonly TestTiming[]): Promise<void> {
  const lines = new Map<string, string>();
  for (const line of ((await read(store)) ?? '').split('\n')) {
    const [kind, , name] = line.split('\t');
    if (name !== undefined) lines.set(`${kind} ${name}`, line);
  }
  for (const { kind, name, seconds } of timings) {
    const key = `${kind} ${name}`;
    lines.delete(key);
    lines.set(key, `${kind}\t${seconds.toFixed(3)}\t${name}`);
  }
  await mkdir(dirname(store), { recursive: true, mode: 0o700 });
  await writeFileAtomic(store, newest([...lines.values()]), { mode: 0o600, durable: 'fast' });
}

function newest(lines: readonly string[]): string {
  let first = Math.max(0, lines.length - most.lines);
  let bytes = lines.slice(first).reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  for (; bytes > most.bytes; first++) bytes -= Buffer.byteLength(lines[first]!) + 1;
  return lines
    .slice(first)
    .map((line) => `${line}\n`)
    .join('');
}
