import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import type { FileTree } from '../../model/files.ts';
import type { ContainerLayers } from './container-layers.ts';
import { type LayerSets, mostLayers } from './layer-sets.ts';
import type { LayerWay } from './layer-support.ts';
import { overlayVolume } from './overlay-volume.ts';

/**
 * The project directory of one container as a volume of layers: an overlay that the engine mounts. The volume is
 * described when the container is created, but which trees lie in it is decided later: the description names a link,
 * and the engine follows it each time that it mounts the volume.
 */
export class JobLayers implements ContainerLayers {
  readonly kind = 'mounted';
  /** Of this machine, to be removed after the container. */
  readonly scratch: string;
  readonly volumes: readonly string[];
  readonly mounts: readonly Dockerode.MountSettings[];
  readonly host?: { readonly changes: string; readonly scratch: string };
  readonly #sets: LayerSets;
  readonly #trees: FileTree[] = [];
  #shown = 0;

  /**
   * @param given.name unique; name of a directory and start of the volumes' names.
   * @param given.directory the project's directory in the container.
   */
  constructor(
    sets: LayerSets,
    given: {
      readonly way: LayerWay;
      readonly name: string;
      readonly directory: string;
      readonly temporaryDirectory: string;
      readonly labels: Record<string, string>;
    },
  ) {
    const { way, ...rest } = given;
    this.#sets = sets;
    this.scratch = sets.jobDirectory(rest.name);
    sets.point(this.#link, []);
    const isHere = way.changes === 'here';
    const { volumes, mounts } = overlayVolume({
      ...rest,
      highestFirst: Array.from({ length: mostLayers }, (_, index) => `${this.#link}/${mostLayers - 1 - index}`),
      place: isHere ? { ...way, scratch: this.scratch } : way,
    });
    this.volumes = volumes;
    this.mounts = mounts;
    if (isHere) this.host = { changes: join(this.scratch, 'u'), scratch: this.scratch };
  }

  get trees(): readonly FileTree[] {
    return this.#trees;
  }

  lay(tree: FileTree): boolean {
    if (this.#trees.at(-1)?.root === tree.root) return true;
    if (this.#trees.length === mostLayers || this.#trees.some(({ root }) => overlaps(root, tree.root))) return false;
    this.#trees.push(tree);
    return true;
  }

  show(): boolean {
    if (this.#shown < this.#trees.length) {
      const roots = this.#trees.map(({ root }) => root);
      this.#sets.point(this.#link, roots);
      this.#shown = roots.length;
    }
    return true;
  }

  /** File systems that the trees lie on. */
  proofs(): readonly string[] {
    return [...new Set(this.#trees.map(({ root }) => `device ${statSync(root).dev}`))];
  }

  witness(): string | undefined {
    return this.#trees.toReversed().flatMap(({ root }) => readdirSync(root).slice(0, 1))[0];
  }

  hasForeignRepository(uid: number): boolean {
    for (const { root } of this.#trees.toReversed()) {
      const stats = lstatSync(join(root, '.git'), { throwIfNoEntry: false });
      if (stats !== undefined) return stats.uid !== uid;
    }
    return false;
  }

  get #link(): string {
    return join(this.scratch, 'l');
  }
}

/** The kernel wants each layer once, and none inside another. */
function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
