import { lstatSync, mkdirSync, readdirSync, rmdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import type { FileTree } from '../../model/files.ts';
import type { LayerWay } from './layer-support.ts';

/** More than jobs have: sources, caches, artifacts of the jobs before. What comes on top is sent. */
const mostLayers = 12;

/**
 * The project directory of one container as a volume of layers: an overlay that the engine mounts. The volume is
 * described when the container is created, but which trees lie in it is decided later: the description names links,
 * and the engine follows them each time that it mounts the volume.
 */
export class JobLayers {
  /** Volumes that have to be removed after the container. */
  readonly volumes: readonly string[];
  /** For the container's create call. */
  readonly mounts: readonly Dockerode.MountSettings[];
  readonly #scratch: string;
  readonly #trees: FileTree[] = [];

  /**
   * Makes the links' directory.
   * @param scratch absolute path of a directory that is not there yet.
   * @param name unique; start of the volumes' names.
   * @param directory the project's directory in the container.
   */
  constructor(
    scratch: string,
    given: {
      readonly way: LayerWay;
      readonly name: string;
      readonly directory: string;
      readonly labels: Record<string, string>;
    },
  ) {
    const { way, name, directory, labels } = given;
    this.#scratch = scratch;
    const links = Array.from({ length: mostLayers }, (_, index) => this.#link(index));
    for (const link of links) mkdirSync(link, { recursive: true });
    const { upper, work, beside } = changesOf(way, name, scratch);
    const lower = links.reverse().join(':');
    const files = `${name}-files`;
    const volume = (source: string, target: string, options?: Record<string, string>): Dockerode.MountSettings => ({
      Type: 'volume',
      Source: source,
      Target: target,
      VolumeOptions: {
        NoCopy: true,
        Labels: labels,
        DriverConfig: { Name: 'local', Options: options ?? {} },
      },
    });
    this.mounts = [
      // The engine makes volumes in this order.
      ...(beside === undefined ? [] : [volume(beside, `${directory}.tmp`)]),
      volume(files, directory, {
        type: 'overlay',
        device: 'overlay',
        // Without redirect_dir a directory of a layer can't be renamed.
        o: `lowerdir=${lower},upperdir=${upper},workdir=${work},redirect_dir=on,index=off`,
      }),
    ];
    this.volumes = beside === undefined ? [files] : [files, beside];
  }

  /** Lowest first. */
  get trees(): readonly FileTree[] {
    return this.#trees;
  }

  /** Slides a tree under the changes and over the trees before. False: it has to be sent. */
  lay(tree: FileTree): boolean {
    const index = this.#trees.length;
    if (this.#trees.at(-1)?.root === tree.root) return true;
    if (index === mostLayers || this.#trees.some(({ root }) => overlaps(root, tree.root))) return false;
    const link = this.#link(index);
    rmdirSync(link);
    symlinkSync(tree.root, link);
    this.#trees.push(tree);
    return true;
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

  #link(index: number): string {
    return join(this.#scratch, `l/${index}`);
  }
}

function changesOf(
  way: LayerWay,
  name: string,
  scratch: string,
): { readonly upper: string; readonly work: string; readonly beside?: string } {
  if (way.changes === 'here') {
    const [upper, work] = [join(scratch, 'u'), join(scratch, 'w')];
    for (const path of [upper, work]) mkdirSync(path);
    return { upper, work };
  }
  // A volume's own directory takes the changes, hidden below what is mounted over it; the parent of another volume's
  // is the work directory, which must be on the same file system and which no container sees there.
  const beside = `${name}-work`;
  const { volumesDirectory } = way;
  return { upper: `${volumesDirectory}/${name}-files/_data`, work: `${volumesDirectory}/${beside}`, beside };
}

/** The kernel wants each layer once, and none inside another. */
function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
