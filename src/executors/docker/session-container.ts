import { posix } from 'node:path';
import { withFileErrors, withFileErrorsNow } from '../../model/file-errors.ts';
import type { FileTree } from '../../model/files.ts';
import type { LogSink } from '../../model/ports.ts';
import type { WorkspaceLayers } from '../../workspaces/open-workspace.ts';
import { quote } from '../preamble.ts';
import { existsInContainer } from './container-file.ts';
import { containerFiles, type DirectoryToMake, type FileToWrite, writeFiles } from './container-files.ts';
import type { ContainerLayers } from './container-layers.ts';
import type { Owner } from './container-owner.ts';
import { type Engine, statusOf } from './engine.ts';
import { messageOf } from './engine-error.ts';
import type { FilesPlace } from './files-place.ts';
import { say } from './images.ts';
import type { LayerSupport } from './layer-support.ts';

/** A container that was created and not started. */
export interface CreatedContainer {
  readonly id: string;
  /** Absent: files have to be sent. */
  readonly layers?: ContainerLayers;
}

/**
 * The container of a session. Trees are laid under the project's directory as long as nothing was done in it; when it
 * shows that the engine can't mount them, another container takes this one's place, and they are sent.
 */
export class SessionContainer implements FilesPlace {
  readonly engine: Engine;
  readonly directory: string;
  readonly temporaryDirectory: string;
  readonly owner: Owner;
  readonly base: string;
  readonly #support: LayerSupport;
  /** Gives a container without layers in place of the present one. */
  readonly #replace: () => Promise<string>;
  readonly #isRunning: () => boolean;
  readonly #writes: FileToWrite[] = [];
  #written = 0;
  #created: CreatedContainer;
  #sealed = false;
  #begun = false;
  #sent = false;
  #readying: Promise<void> = Promise.resolve();

  constructor(given: {
    readonly engine: Engine;
    readonly directory: string;
    readonly temporaryDirectory: string;
    readonly owner: Owner;
    readonly base: string;
    readonly support: LayerSupport;
    readonly created: CreatedContainer;
    readonly replace: () => Promise<string>;
    /** Does something run in the container that nobody waits for? */
    readonly isRunning: () => boolean;
  }) {
    this.engine = given.engine;
    this.directory = given.directory;
    this.temporaryDirectory = given.temporaryDirectory;
    this.owner = given.owner;
    this.base = given.base;
    this.#support = given.support;
    this.#created = given.created;
    this.#replace = given.replace;
    this.#isRunning = given.isRunning;
  }

  get container(): string {
    return this.#created.id;
  }

  get seesOurFiles(): boolean {
    return this.#support.seesOurFiles;
  }

  /** Trees that are mounted, lowest first. */
  get layers(): ContainerLayers | undefined {
    return this.#created.layers;
  }

  /** Lays a tree over what is there. False: it has to be sent. */
  lay(tree: FileTree): boolean {
    const { layers } = this.#created;
    if (layers === undefined || this.#sealed) return false;
    const doing = 'lay files into the job';
    return withFileErrorsNow({ doing, path: tree.root }, () => this.#support.takes(tree) && layers.lay(tree));
  }

  /** Writes a file into the temporary directory or a directory in it: before the first command with the others, when `ready` is called. */
  async write(file: FileToWrite): Promise<void> {
    if (this.#sealed) await this.#writeTemporary([file]);
    else this.#writes.push(file);
  }

  /** Makes sure that everything that was laid and written is there. */
  ready(signal?: AbortSignal): Promise<void> {
    const next = this.#readying.then(() => this.#makeReady(signal));
    this.#readying = next.catch(() => {});
    return next;
  }

  /** Before a command: all is there, and stays. Says in the job's log how its files came. */
  async begin(out: LogSink, signal: AbortSignal): Promise<void> {
    if (this.#begun) return;
    await this.ready(signal);
    this.#begun = true;
    this.seal();
    const laid = this.layers?.trees.length ?? 0;
    if (laid > 0) await say(out, `Job directory: an overlay of ${laid} layer${laid === 1 ? '' : 's'}`);
    else if (this.#sent) await say(out, `Job directory: sent to the engine, since ${this.#support.reason}`);
  }

  /** The parts of its directory that lie on this machine; undefined as long as something may write to them. */
  hostLayers(): { readonly layers: WorkspaceLayers; readonly scratch: string } | undefined {
    const { layers } = this;
    if (layers?.host === undefined || this.#isRunning()) return undefined;
    const { changes, scratch } = layers.host;
    return { layers: { lowestFirst: layers.trees, changes }, scratch };
  }

  /** What the shell does before each script. */
  firstWords(): string {
    const { layers, directory, owner } = this;
    const temporary = quote(this.temporaryDirectory);
    // Where nothing was written into it, it is made here, for what `GITLAB_ENV` names: to send it would take longer.
    const words = `[ -d ${temporary} ] || mkdir -p ${temporary} 2>/dev/null`;
    // Git refuses to work where somebody else owns the repository; changing one directory is enough for it.
    if (!layers?.hasForeignRepository(owner.uid)) return words;
    return `${words}; chown ${owner.uid}:${owner.gid} ${quote(`${directory}/.git`)} 2>/dev/null`;
  }

  /** Sends a tree into the container. */
  async send(tree: FileTree, at: string, signal: AbortSignal): Promise<void> {
    this.#sent = true;
    await containerFiles(this).put(tree, at, signal);
  }

  /** From now on something may have been changed in the project's directory: nothing can be slid under that. */
  seal(): void {
    this.#sealed = true;
  }

  async #makeReady(signal: AbortSignal | undefined): Promise<void> {
    if (this.#sealed) return;
    const { layers } = this.#created;
    if (layers !== undefined) {
      await withFileErrors({ doing: 'lay files into the job' }, () => this.#showLayers(layers, signal));
    }
    if (this.#written === this.#writes.length) return;
    await this.#writeTemporary(this.#writes);
    this.#written = this.#writes.length;
  }

  async #showLayers(layers: ContainerLayers, signal: AbortSignal | undefined): Promise<void> {
    if (!layers.show()) return this.#startAnew([], signal);
    const proofs = layers.proofs();
    if (!this.#support.unproven(proofs)) return;
    const refusal = await mountRefusal(this.engine, this.container, `${this.directory}/${layers.witness() ?? ''}`);
    if (refusal === undefined) return this.#support.prove(proofs);
    this.#support.refuse(layers.kind, refusal);
    await this.#startAnew(layers.trees, signal);
  }

  #writeTemporary(files: readonly FileToWrite[]): Promise<void> {
    const temporary = temporaryIn(this);
    const below = new Set(files.map(({ path }) => posix.dirname(path)).filter((path) => path !== temporary.path));
    return writeFiles(this, [temporary, ...[...below].map((path) => ({ path, mode: 0o755 }))], files);
  }

  async #startAnew(trees: readonly FileTree[], signal = new AbortController().signal): Promise<void> {
    try {
      this.#created = { id: await this.#replace() };
    } catch (error) {
      throw this.engine.failure('make a container that takes files', error);
    }
    this.#written = 0;
    for (const tree of trees) await this.send(tree, '.', signal);
  }
}

/** The session's directory for file variables. */
export function temporaryIn({
  temporaryDirectory,
  owner,
}: Pick<FilesPlace, 'temporaryDirectory' | 'owner'>): DirectoryToMake {
  return { path: temporaryDirectory, mode: owner.uid === 0 ? 0o755 : 0o700 };
}

/** Why an engine can't mount a container's volumes; undefined if it can, and shows the path. @throws SystemError */
export async function mountRefusal(engine: Engine, container: string, path: string): Promise<string | undefined> {
  try {
    return (await existsInContainer(engine, container, path)) ? undefined : 'the engine does not see them';
  } catch (error) {
    if (!isRefused(error)) throw error;
    return messageOf(error);
  }
}

/** Did the engine answer that it can't do something, rather than not answer? */
export function isRefused(error: unknown): boolean {
  const status = statusOf(error) ?? statusOf((error as { cause?: unknown }).cause);
  return status !== undefined && status >= 400 && status !== 404;
}
