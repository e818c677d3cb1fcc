import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../util/files/file-problem.ts';
import { type FileThreads, fileThreads } from '../util/files/file-threads.ts';
import { markUsed, type Usage } from '../util/files/shared-store.ts';
import { monotonicMs } from '../util/monotonic.ts';
import { copyConcurrency } from './fill-snapshot.ts';
import { type AskGit, askAhead, mostAgeMs } from './git-question.ts';
import { indexedFiles } from './indexed-files.ts';
import { filesQuestion } from './list-tree-files.ts';
import { type LookAgain, lookAgain } from './look-again.ts';
import { repositoryQuestions } from './snapshot-git.ts';
import { readManifest, type SnapshotManifest } from './snapshot-manifest.ts';

/** The snapshot that was taken last, marked as used by this process. */
export interface LastSnapshot {
  readonly id: string;
  readonly usage: Usage;
  readonly manifest: SnapshotManifest;
  /** The look at its files that was begun before, if it is of this snapshot and not too long ago. */
  readonly look: { readonly files: LookAgain; readonly begunAtMs: number } | undefined;
}

/** What is begun before a snapshot is taken. Disposing, once or more often, ends it and forgets what it saw. */
export interface EarlyLook extends AsyncDisposable {
  readonly last: SeenSnapshot | undefined;
  /** Has asked git already what a snapshot needs to know. */
  readonly ahead: AskGit;
  /** Threads to copy with, where there is no last snapshot to share files with. */
  readonly threads: FileThreads | undefined;
}

interface SeenSnapshot {
  readonly id: string;
  readonly manifest: SnapshotManifest;
  readonly look: LookAgain | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly begunAtMs: number;
  /** The same on a clock that nobody sets. */
  readonly begunMs: number;
}

/**
 * Begins to look whether a tree is still what its last snapshot holds, while a pipeline is read and planned, and asks git what
 * it has to be asked. Where there is no last snapshot, and git's index says that there is much to copy, the threads for that are started: they take as long as 1,000 files.
 */
export function beginLook({
  projectRoot,
  topLevel,
  storeDirectory,
  git,
  nowMs,
}: {
  readonly projectRoot: string;
  /** Of the git working tree that it lies in. */
  readonly topLevel: string;
  /** Directory of this project's snapshots alone. */
  readonly storeDirectory: string;
  readonly git: AskGit;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}): EarlyLook {
  const id = tryCurrent(storeDirectory);
  const manifest = id === undefined ? undefined : readManifest(join(storeDirectory, id, 'manifest'));
  const questions = topLevel === projectRoot ? [filesQuestion, ...repositoryQuestions] : [filesQuestion];
  const ahead = askAhead(git, projectRoot, questions);
  if (id === undefined || manifest === undefined) {
    const threads = fileThreads(copyConcurrency);
    threads.expect(indexedFiles(projectRoot));
    return { last: undefined, ahead, threads, [Symbol.asyncDispose]: () => threads.close() };
  }
  const begunMs = monotonicMs();
  let last: SeenSnapshot | undefined;
  last = { id, manifest, look: lookAgain(projectRoot, manifest), begunAtMs: nowMs, begunMs };
  return {
    get last() {
      return last;
    },
    ahead,
    threads: undefined,
    [Symbol.asyncDispose]: async () => {
      const { look } = last ?? {};
      last = undefined;
      await look?.[Symbol.asyncDispose]();
    },
  };
}

/** A store that can't be read is told of when the snapshot is wanted. */
function tryCurrent(store: string): string | undefined {
  try {
    return currentSnapshot(store);
  } catch {
    return undefined;
  }
}

/** @param early what was begun before of the same store. */
export async function findLastSnapshot(store: string, early: EarlyLook | undefined): Promise<LastSnapshot | undefined> {
  const id = currentSnapshot(store);
  const usage = id === undefined ? undefined : await markUsed(store, id);
  if (id === undefined || usage === undefined) return undefined;
  const known = early?.last?.id === id ? early.last : undefined;
  const manifest = known?.manifest ?? readManifest(join(store, id, 'manifest'));
  if (manifest === undefined) {
    await usage.release();
    return undefined;
  }
  const isRecent = known?.look !== undefined && monotonicMs() - known.begunMs < mostAgeMs;
  const look = isRecent ? { files: known.look, begunAtMs: known.begunAtMs } : undefined;
  return { id, usage, manifest, look };
}

/** Name of the last snapshot in the store. */
export function currentSnapshot(store: string): string | undefined {
  try {
    const id = readFileSync(join(store, 'current'), 'utf8').trim();
    return /^s-[0-9a-z-]+$/.test(id) ? id : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
