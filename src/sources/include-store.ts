import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';

/** What a server said when it was last asked; each kind has its own names. */
export interface IncludeRecords {
  /** By address: the file's hash. */
  readonly remote: { readonly fetchedAtMs: number; readonly hash: string };
  /** By the server's host and the reference (`circleci.com circleci/node@5`): the hash of the source, and the version that it is of. */
  readonly orb: { readonly fetchedAtMs: number; readonly hash: string; readonly version: string };
  /** By `host/project wanted`: tags and branches that `wanted` may stand for, and the commit of `HEAD`. */
  readonly refs: {
    readonly fetchedAtMs: number;
    readonly tags: Readonly<Record<string, string>>;
    readonly branches: Readonly<Record<string, string>>;
    readonly head?: string;
  };
  /** By `host/project commit`: hashes of its YAML files, and of the list of all its paths. Never changes. */
  readonly commit: { readonly files: Readonly<Record<string, string>>; readonly paths: string };
}

/** Included files that were fetched, by their content, and what is known about where they came from. */
export interface IncludeStore {
  read<K extends keyof IncludeRecords>(kind: K, name: string): IncludeRecords[K] | undefined;
  write<K extends keyof IncludeRecords>(kind: K, name: string, record: IncludeRecords[K]): Promise<void>;
  /** The content of a hash; undefined: it is not there, or was changed by somebody. */
  content(hash: string): Buffer | undefined;
  /** Keeps a content and gives its hash: SHA-256 in hex. */
  keep(content: Uint8Array): Promise<string>;
}

/**
 * The store in a folder of the user's cache, which may be removed at any time. Files are named by their content, so
 * that a copy can be believed only if it has that content; records are replaced atomically.
 */
export function includeStore(directory: string): IncludeStore {
  const recordPath = (kind: string, name: string): string =>
    join(directory, kind, `${createHash('sha256').update(name).digest('hex')}.json`);
  const contentPath = (hash: string): string => join(directory, 'content', hash.slice(0, 2), hash.slice(2));
  return {
    read: (kind, name) => {
      const text = readIfThere(recordPath(kind, name))?.toString('utf8');
      return text === undefined ? undefined : parseRecord(text, name);
    },
    write: (kind, name, record) => save(recordPath(kind, name), JSON.stringify({ name, ...record })),
    content: (hash) => {
      const bytes = /^[0-9a-f]{64}$/.test(hash) ? readIfThere(contentPath(hash)) : undefined;
      return bytes !== undefined && hashOf(bytes) === hash ? bytes : undefined;
    },
    keep: async (content) => {
      const hash = hashOf(content);
      await save(contentPath(hash), content);
      return hash;
    },
  };
}

/** SHA-256 in hex. */
export function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function parseRecord<K extends keyof IncludeRecords>(text: string, name: string): IncludeRecords[K] | undefined {
  try {
    const record = JSON.parse(text) as IncludeRecords[K] & { readonly name?: string };
    return record.name === name ? record : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function save(path: string, content: string | Uint8Array): Promise<void> {
  return withFileErrors({ doing: 'keeping an included file', path }, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileAtomic(path, content, { mode: 0o600, durable: 'fast' });
  });
}
