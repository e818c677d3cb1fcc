import { randomBytes } from 'node:crypto';
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileTree } from '../../model/files.ts';
import type { Engine } from './engine.ts';
import { LayerSets } from './layer-sets.ts';

/**
 * Where a job's changes are kept. `here`: in a directory of ours, for root. `engine`: in volumes, since an ordinary
 * user could not remove what a container's root leaves.
 */
export type LayerWay = { readonly changes: 'here' } | { readonly changes: 'engine'; readonly volumesDirectory: string };

/** What decides about layers on this side. */
export interface LayerSettings {
  /** Absolute path of a directory for links to layers; a sub-directory per job is made and removed. */
  readonly directory: string;
  /** User id of this process. */
  readonly uid: number | undefined;
  readonly platform: string;
}

/**
 * Can an engine mount directories of this machine as layers of a job's directory? Found out by trying: an engine in a
 * virtual machine, in another mount namespace or behind a forwarded socket answers on a local socket and sees nothing.
 */
export class LayerSupport {
  readonly #engine: Engine;
  readonly #settings: LayerSettings | undefined;
  readonly #proven = new Set<number>();
  readonly #suited = new Map<number, boolean>();
  #way: Promise<LayerWay | undefined> | undefined;
  #refusal: string | undefined;
  #sees: boolean;
  #sets: LayerSets | undefined;

  /** @param settings absent: files are always sent. */
  constructor(engine: Engine, settings: LayerSettings | undefined) {
    this.#engine = engine;
    this.#settings = settings;
    this.#sees = engine.isLocal;
  }

  /** Does the engine see this machine's directories, as far as is known? */
  get seesOurFiles(): boolean {
    return this.#sees;
  }

  /** Why files are sent; undefined as long as nothing speaks against layers. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** How to keep changes; undefined where files have to be sent. */
  async way(): Promise<LayerWay | undefined> {
    if (this.#refusal !== undefined) return undefined;
    this.#way ??= this.#look();
    const way = await this.#way;
    return this.#refusal === undefined ? way : undefined;
  }

  /** Where links to layers lie; only where there is a way. */
  sets(): LayerSets {
    this.#sets ??= new LayerSets(join(this.#settings!.directory, `layers-${randomBytes(6).toString('hex')}`));
    return this.#sets;
  }

  /** Removes what was made for all jobs together. */
  async close(): Promise<void> {
    await this.#sets?.close();
  }

  /** Ids of users in containers to whom layers look as if they were their own: they may write to them. */
  suits(uid: number): boolean {
    return uid === 0 || uid === this.#settings?.uid;
  }

  /** May this tree be a layer? Not where the engine's root may read less than we, as on network file systems. */
  takes(tree: FileTree): boolean {
    if (!tree.immutable || tree.entries !== undefined) return false;
    const { dev } = statSync(tree.root);
    const known = this.#suited.get(dev) ?? !foreignFileSystems.has(statfsSync(tree.root).type);
    this.#suited.set(dev, known);
    return known;
  }

  /** Those of these devices of which no engine's mount has shown anything yet. */
  unproven(devices: readonly number[]): boolean {
    return devices.some((device) => !this.#proven.has(device));
  }

  prove(devices: readonly number[]): void {
    for (const device of devices) this.#proven.add(device);
  }

  /** Files are sent from now on. */
  refuse(why: string): void {
    this.#refusal ??= why;
  }

  /** As `refuse`; besides, nothing of this machine can be mounted. */
  refuseAll(why: string): void {
    this.#sees = false;
    this.refuse(why);
  }

  async #look(): Promise<LayerWay | undefined> {
    const settings = this.#settings;
    if (settings === undefined) return this.#no('not asked for');
    if (!this.#engine.isLocal) return this.#no('the engine is not on this machine');
    if (settings.platform !== 'linux') return this.#no('the engine runs in a virtual machine');
    // The text of mount options treats them as its own.
    if (/[:,\\"\n]/.test(settings.directory) || settings.directory.length > 200) {
      return this.#no(`a directory's name is unsuited: ${settings.directory}`);
    }
    const facts = await this.#engine.facts();
    if (facts.system !== 'linux') return this.#no('the engine is not on Linux');
    const obstacle = ['rootless', 'userns', 'selinux'].find((name) => facts.security.includes(name));
    if (obstacle !== undefined) return this.#no(`the engine uses ${obstacle}`);
    if (settings.uid === 0) return { changes: 'here' };
    if (/[:,\\"\n]/.test(facts.rootDirectory)) return this.#no("the engine's directory has an unsuited name");
    return { changes: 'engine', volumesDirectory: `${facts.rootDirectory}/volumes` };
  }

  #no(why: string): undefined {
    this.refuse(why);
    return undefined;
  }
}

/** Magic numbers of NFS, SMB (3), FUSE, 9P, AFS, Ceph. Source: statfs(2) */
const foreignFileSystems: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997, 0x5346414f, 0x00c36400,
]);
