import { mkdirSync } from 'node:fs';
import { withFileErrors } from '../model/file-errors.ts';
import type { FileTree } from '../model/files.ts';
import type { FileThreads } from '../util/files/file-threads.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { monotonicMs } from '../util/monotonic.ts';
import type { OverlayMount, ProgramStart } from '../util/overlay-mounter.ts';
import type { LayerMounts } from './layer-mounts.ts';
import type { TreeCopies } from './tree-copies.ts';

/** How a workspace got what it holds: `empty` as long as nothing was laid. */
export type WorkspaceMethod = 'overlay' | 'reflink' | 'copy' | 'empty';

/**
 * A directory that one job may change as it likes. Disposing takes down what was mounted; what is left of it is for
 * the caller to remove.
 */
export interface Workspace extends AsyncDisposable {
  /** Absolute, as the job's programs see it. */
  readonly directory: string;
  /**
   * Lays an immutable tree over what is there. Nothing may be done until it is needed: `fill` tells when.
   * Once `settle` was called the tree is copied.
   */
  lay(tree: FileTree, signal: AbortSignal | undefined): Promise<void>;
  /**
   * Makes everything that was laid visible.
   * @returns where this process sees it; may be another path than `directory`, in which nothing is seen then.
   */
  fill(signal: AbortSignal | undefined): Promise<FilledWorkspace>;
  /** Threads for work on many of its files, where trees are copied, so that they will be needed anyway. */
  readonly threads?: FileThreads;
  /** From now on programs of the job may be at work in the directory: no layer can be slid under it any more. */
  settle(): void;
}

/** A workspace with the project's files in it, ready for the job. */
export interface FilledWorkspace {
  readonly method: WorkspaceMethod;
  /** Absolute. */
  readonly seenAt: string;
  /** How to start a program of the job so that it sees the workspace. */
  enter(start: ProgramStart): ProgramStart;
  /** When programs of the job may have begun to work in it, milliseconds since the Unix epoch; undefined: not yet. */
  readonly settledAtMs?: number;
  /** What the workspace is made of; absent: it is one directory. */
  readonly layers?: WorkspaceLayers;
}

/** The parts of an overlay. */
export interface WorkspaceLayers {
  readonly lowestFirst: readonly FileTree[];
  /** Absolute path of the directory of changes. */
  readonly changes: string;
}

/** How to open a workspace. */
export interface OpenWorkspaceOptions {
  /** How layers are mounted; absent: everything is copied. */
  readonly mounts?: LayerMounts;
  readonly copies: TreeCopies;
  /** Absolute path of a directory beside the workspace for what mounting needs; made when it is needed. */
  readonly scratch: string;
  /** Learns how the workspace was made, each time that something was. */
  readonly onFilled?: (filling: WorkspaceFilling) => Promise<void>;
}

/** How trees came into a workspace. */
export interface WorkspaceFilling {
  readonly method: WorkspaceMethod;
  readonly tookMs: number;
  /** How many trees are mounted. */
  readonly layers: number;
}

/**
 * Gives a job a directory of its own (made if missing, must be empty), into which trees are laid that stay unchanged
 * whatever the job does.
 * @throws SystemError when the disk is full or a directory can't be written.
 */
export async function openWorkspace(directory: string, options: OpenWorkspaceOptions): Promise<Workspace> {
  await explained(directory, async () => mkdirSync(directory, { recursive: true }));
  return new LayeredWorkspace(directory, options);
}

function explained<T>(directory: string, action: () => Promise<T>): Promise<T> {
  return withFileErrors({ doing: 'prepare the job directory', path: directory }, action);
}

class LayeredWorkspace implements Workspace {
  readonly directory: string;
  readonly threads?: FileThreads;
  readonly #options: OpenWorkspaceOptions;
  /** All trees so far, lowest first; the last `#waiting` of them are not visible yet. */
  readonly #trees: FileTree[] = [];
  #waiting = 0;
  #mount: OverlayMount | undefined;
  /** How many of the trees `#mount` shows. */
  #mounted = 0;
  #method: WorkspaceMethod = 'empty';
  #settledAtMs: number | undefined;

  constructor(directory: string, options: OpenWorkspaceOptions) {
    this.directory = directory;
    this.#options = options;
    // Beside overlays they cost more to start than they save.
    if (options.mounts === undefined) this.threads = options.copies.threads;
  }

  async lay(tree: FileTree, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#trees.push(tree);
    this.#waiting++;
    if (this.#settledAtMs !== undefined) await this.fill(signal);
  }

  async fill(signal: AbortSignal | undefined): Promise<FilledWorkspace> {
    if (this.#waiting > 0) await explained(this.directory, () => this.#show(signal));
    const mount = this.#mount;
    const layers = mount && { lowestFirst: this.#trees.slice(0, this.#mounted), changes: mount.changes };
    return {
      method: this.#method,
      seenAt: mount?.seenAt ?? this.directory,
      ...(this.#settledAtMs === undefined ? {} : { settledAtMs: this.#settledAtMs }),
      enter: (start) => mount?.enter(start) ?? start,
      ...(layers === undefined ? {} : { layers }),
    };
  }

  settle(): void {
    this.#settledAtMs ??= Date.now();
  }

  async #show(signal: AbortSignal | undefined): Promise<void> {
    const startedAt = monotonicMs();
    const shown = this.#trees.length - this.#waiting;
    const hasWork = this.#settledAtMs !== undefined;
    const done = hasWork ? shown : await this.#showByMount(shown);
    try {
      await this.#copy(this.#trees.slice(done), signal);
    } catch (error) {
      // On a full disk every file counts; but what the job has made may still be an artifact.
      if (!hasWork) await removeTree(this.#mount?.changes ?? this.directory);
      throw error;
    }
    this.#waiting = 0;
    await this.#options.onFilled?.({
      method: this.#method,
      tookMs: monotonicMs() - startedAt,
      layers: this.#mounted,
    });
  }

  /**
   * What was copied before stays hidden below; what is mounted already gets more layers below the same changes.
   * @returns how many trees are mounted.
   */
  async #mountLayers(): Promise<number> {
    const { mounts } = this.#options;
    const count = mounts?.howMany(this.#trees) ?? 0;
    if (mounts === undefined || count <= this.#mounted) return this.#mounted;
    await this.#mount?.unmount();
    this.#mount = await this.#mountLowest(mounts, count);
    if (this.#mount !== undefined) {
      this.#mounted = count;
      this.#method = 'overlay';
    } else if (this.#mounted > 0) {
      this.#mount = await this.#mountLowest(mounts, this.#mounted);
      // What was mounted has to be copied then.
      if (this.#mount === undefined) this.#mounted = 0;
    }
    return this.#mounted;
  }

  /** @returns how many of the trees are visible. */
  async #showByMount(shown: number): Promise<number> {
    const before = this.#mounted;
    const mounted = await this.#mountLayers();
    return mounted < before ? 0 : Math.max(shown, mounted);
  }

  #mountLowest(mounts: LayerMounts, count: number): Promise<OverlayMount | undefined> {
    const roots = this.#trees.slice(0, count).map(({ root }) => root);
    // One cache may be laid twice; the kernel takes a layer once.
    const lowestFirst = roots.filter((root, index) => roots.lastIndexOf(root) === index);
    return mounts.mount({ lowestFirst, scratch: this.#options.scratch, target: this.directory });
  }

  async #copy(trees: readonly FileTree[], signal: AbortSignal | undefined): Promise<void> {
    const { copies } = this.#options;
    const target = this.#mount?.seenAt ?? this.directory;
    for (const tree of trees) {
      const isEmpty = this.#method === 'empty' && this.#settledAtMs === undefined;
      const method = await (isEmpty ? copies.copyInto : copies.copy)(tree, target, signal);
      if (this.#mount === undefined) this.#method = method;
      else this.settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mount?.unmount();
  }
}
