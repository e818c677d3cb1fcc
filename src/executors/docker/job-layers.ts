import { lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import type { FileTree } from '../../model/files.ts';
import { type LayerSets, mostLayers } from './layer-sets.ts';
import type { LayerWay } from './layer-support.ts';

/**
 * The project directory of one container as a volume of layers: an overlay that the engine mounts. The volume is
 * described when the container is created, but which trees lie in it is decided later: the description names a link,
 * and the engine follows it each time that it mounts the volume.
 */
export class JobLayers {
  /** Of this machine, to be removed after the container. */
  readonly scratch: string;
  /** Volumes that have to be removed after the container. */
  readonly volumes: readonly string[];
  /** For the container's create call. */
  readonly mounts: readonly Dockerode.MountSettings[];
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
      readonly labels: Record<string, string>;
    },
  ) {
    const { way, name, directory, labels } = given;
    this.#sets = sets;
    this.scratch = sets.jobDirectory(name);
    sets.point(this.#link, []);
    const { upper, work, volume, beside } = changesOf(way, name, this.scratch);
    const lower = Array.from({ length: mostLayers }, (_, index) => `${this.#link}/${mostLayers - 1 - index}`);
    const mount = (source: string, target: string, options: Record<string, string>): Dockerode.MountSettings => ({
      Type: 'volume',
      Source: source,
      Target: target,
      VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: options } },
    });
    this.mounts = [
      // The engine makes volumes in this order.
      ...(beside === undefined ? [] : [mount(beside, `${directory}.tmp`, {})]),
      mount(volume ?? '', directory, {
        type: 'overlay',
        device: 'overlay',
        // Without redirect_dir a directory of a layer can't be renamed.
        o: `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work},redirect_dir=on,index=off`,
      }),
    ];
    this.volumes = [volume, beside].filter((each) => each !== undefined);
  }

  /** Lowest first. */
  get trees(): readonly FileTree[] {
    return this.#trees;
  }

  /** Slides a tree under the changes and over the trees before. False: it has to be sent. */
  lay(tree: FileTree): boolean {
    if (this.#trees.at(-1)?.root === tree.root) return true;
    if (this.#trees.length === mostLayers || this.#trees.some(({ root }) => overlaps(root, tree.root))) return false;
    this.#trees.push(tree);
    return true;
  }

  /** The engine's next mount shows all that was laid. */
  show(): void {
    if (this.#shown === this.#trees.length) return;
    this.#sets.point(
      this.#link,
      this.#trees.map(({ root }) => root),
    );
    this.#shown = this.#trees.length;
  }

  /** Something that the job's directory must show if the engine sees the layers; undefined if they are empty. */
  witness(): string | undefined {
    for (const { root } of this.#trees.toReversed()) {
      const [name] = readdirSync(root);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** File systems that the trees lie on. */
  devices(): readonly number[] {
    return [...new Set(this.#trees.map(({ root }) => statSync(root).dev))];
  }

  /** Does the job's repository lie in a directory of somebody else than `uid`? Git then refuses to work in it. */
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

interface Changes {
  readonly upper: string;
  readonly work: string;
  /** Name of the volume; without one it goes with the container. */
  readonly volume?: string;
  /** Name of a second one. */
  readonly beside?: string;
}

function changesOf(way: LayerWay, name: string, scratch: string): Changes {
  if (way.changes === 'here') {
    const [upper, work] = [join(scratch, 'u'), join(scratch, 'w')];
    for (const path of [upper, work]) mkdirSync(path);
    return { upper, work };
  }
  // A volume's own directory takes the changes, hidden below what is mounted over it; the parent of another volume's
  // is the work directory, which must be on the same file system and which no container sees there.
  const [volume, beside] = [`${name}-files`, `${name}-work`];
  const { volumesDirectory } = way;
  return { upper: `${volumesDirectory}/${volume}/_data`, work: `${volumesDirectory}/${beside}`, volume, beside };
}

/** The kernel wants each layer once, and none inside another. */
function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
