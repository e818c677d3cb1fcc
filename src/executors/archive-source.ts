import type { Readable } from 'node:stream';

/** A session elsewhere whose files come as tar archives. */
export interface ArchiveSource {
  /** The session's directory. */
  readonly directory: string;
  /** A tar stream of an absolute path, with names from the last part of that path on; undefined if it is not there. */
  open(path: string, signal: AbortSignal): Promise<Readable | undefined>;
  /** See SessionFiles.read. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Where archives of links hold what these lead to: is the path one? Absent: they hold the links. */
  isFollowedLink?(path: string): Promise<boolean>;
  /** What to throw when files could not be taken. */
  failure(error: unknown): unknown;
}
