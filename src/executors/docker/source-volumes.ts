import { readdirSync } from 'node:fs';
import { posix } from 'node:path';
import type Dockerode from 'dockerode';
import type { FileTree } from '../../model/files.ts';
import { unlessAborted } from '../../util/unless-aborted.ts';
import { type Belongings, noBelongings, removeBelongings } from './belongings.ts';
import { jobContainerOptions } from './container-config.ts';
import { containerFiles } from './container-files.ts';
import type { ContainerLayers } from './container-layers.ts';
import { rootOwner } from './container-owner.ts';
import type { Engine } from './engine.ts';
import { type OverlayVolumeRequest, overlayVolume } from './overlay-volume.ts';

/** Fewer are sent to each job: that costs less than a volume. */
const fewFiles = 300;
const fewBytes = 4 << 20;

/** Where the filled volume lies on the engine's machine. */
interface SourceVolume {
  readonly mountpoint: string;
  /** The directory of all volumes. */
  readonly volumesDirectory: string;
}

/**
 * The sources of a run at an engine that does not see this machine's files: sent once into a volume, over which every
 * job gets an overlay.
 */
export class SourceVolumes {
  readonly #engine: Engine;
  readonly #filled = new Map<string, Promise<SourceVolume | undefined>>();
  readonly #made: Belongings = noBelongings();
  readonly #closing = new AbortController();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Is this tree so large that it should be sent only once? */
  suits(tree: FileTree): boolean {
    if (!tree.immutable || tree.entries !== undefined || tree.id === undefined) return false;
    return tree.size === undefined || tree.size.files > fewFiles || tree.size.bytes > fewBytes;
  }

  /**
   * Layers for one container; sends the tree if nobody has yet.
   * @param filler what the container is called and made of that takes the files in; it is never started.
   * @returns undefined where volumes are not in plain directories.
   */
  async layersOf(
    tree: FileTree,
    filler: Omit<Parameters<typeof jobContainerOptions>[0], 'mounts' | 'readOnly'>,
    given: Omit<OverlayVolumeRequest, 'highestFirst' | 'place'>,
    signal: AbortSignal,
  ): Promise<ContainerLayers | undefined> {
    const id = tree.id!;
    let filling = this.#filled.get(id);
    if (filling === undefined) {
      filling = this.#fill(tree, filler, given.labels);
      // Another job may have more luck.
      filling.catch(() => this.#filled.delete(id));
      this.#filled.set(id, filling);
    }
    // What is under way goes on for the others.
    const volume = await unlessAborted(filling, signal);
    if (volume === undefined) return undefined;
    const { volumesDirectory, mountpoint } = volume;
    const place = { changes: 'engine', volumesDirectory } as const;
    return new SourceLayers(tree, overlayVolume({ ...given, highestFirst: [mountpoint], place }));
  }

  /** Stops what is being sent. */
  stop(): void {
    this.#closing.abort();
  }

  /**
   * Removes the volumes; no container uses them any more.
   * @returns are they gone?
   */
  async close(): Promise<boolean> {
    this.stop();
    await Promise.allSettled(this.#filled.values());
    return (await removeBelongings(this.#engine, this.#made)).length === 0;
  }

  async #fill(
    tree: FileTree,
    filler: Omit<Parameters<typeof jobContainerOptions>[0], 'mounts' | 'readOnly'>,
    labels: Record<string, string>,
  ): Promise<SourceVolume | undefined> {
    const engine = this.#engine;
    const name = `${filler.name}-sources`;
    this.#made.volumes.push(name);
    const volume = await engine.api.createVolume({ Name: name, Labels: labels });
    const { Mountpoint: mountpoint } = await volume.inspect();
    const volumesDirectory = posix.dirname(posix.dirname(mountpoint));
    if (mountpoint !== `${volumesDirectory}/${name}/_data`) return undefined;
    const directory = '/sources';
    const mounts: Dockerode.MountSettings[] = [
      { Type: 'volume', Source: name, Target: directory, VolumeOptions: { NoCopy: true } as never },
    ];
    const made = noBelongings();
    try {
      const container = await engine.create(jobContainerOptions({ ...filler, name, mounts }));
      made.containers.push(container);
      const place = {
        engine,
        container,
        directory,
        temporaryDirectory: '/tmp',
        owner: rootOwner,
        seesOurFiles: false,
        base: '/',
      };
      await containerFiles(place).put(tree, '.', this.#closing.signal);
    } finally {
      await removeBelongings(engine, made);
    }
    return { mountpoint, volumesDirectory };
  }
}

/** The one layer is there from the start: what is laid must be just that. */
class SourceLayers implements ContainerLayers {
  readonly kind = 'sources';
  readonly volumes: readonly string[];
  readonly mounts: readonly Dockerode.MountSettings[];
  readonly #tree: FileTree;
  #laid = false;

  constructor(
    tree: FileTree,
    { volumes, mounts }: { readonly volumes: readonly string[]; readonly mounts: readonly Dockerode.MountSettings[] },
  ) {
    this.#tree = tree;
    this.volumes = volumes;
    this.mounts = mounts;
  }

  get trees(): readonly FileTree[] {
    return this.#laid ? [this.#tree] : [];
  }

  lay(tree: FileTree): boolean {
    if (tree.root !== this.#tree.root) return false;
    this.#laid = true;
    return true;
  }

  show(): boolean {
    return this.#laid;
  }

  proofs(): readonly string[] {
    return ['sources'];
  }

  witness(): string | undefined {
    return readdirSync(this.#tree.root)[0];
  }

  hasForeignRepository(): boolean {
    return false;
  }
}
