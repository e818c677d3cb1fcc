import { randomBytes } from 'node:crypto';
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileTree } from '../../model/files.ts';
import type { ContainerLayers } from './container-layers.ts';
import type { Engine } from './engine.ts';
import { LayerSets } from './layer-sets.ts';
import { SourceVolumes } from './source-volumes.ts';

/** Where changes are kept when directories of this machine are mounted. */
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
  readonly #proven = new Set<string>();
  readonly #suited = new Map<number, boolean>();
  #way: Promise<LayerWay | undefined> | undefined;
  #refusal: string | undefined;
  #sourcesRefusal: string | undefined;
  #sees: boolean;
  #sets: LayerSets | undefined;
  #sources: SourceVolumes | undefined;

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

  /** Why a job's files were sent, for its log. */
  get reason(): string {
    return this.#refusal ?? 'its user, hard links or a network file system forbid layers';
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

  /** How to send sources once for all jobs; undefined where each job has to get its own. */
  async sources(): Promise<SourceVolumes | undefined> {
    if (this.#settings === undefined || this.#sourcesRefusal !== undefined) return undefined;
    if (this.#engine.kind === 'podman') return undefined;
    const { system, security } = await this.#engine.facts();
    if (system !== 'linux' || security.includes('rootless') || security.includes('selinux')) return undefined;
    this.#sources ??= new SourceVolumes(this.#engine);
    return this.#sources;
  }

  /** Nothing more is sent for all jobs together. */
  stop(): void {
    this.#sources?.stop();
  }

  /**
   * Removes what was made for all jobs together; no container uses it any more.
   * @returns is all of it gone from the engine?
   */
  async close(): Promise<boolean> {
    await this.#sets?.close();
    return (await this.#sources?.close()) ?? true;
  }

  /** Ids of users in containers to whom layers look as if they were their own: they may write to them. */
  suits(uid: number): boolean {
    return uid === 0 || uid === this.#settings?.uid;
  }

  /** May this tree be a layer? Not where the engine's root may read less than we, as on network file systems. */
  takes(tree: FileTree): boolean {
    // Without an index the names of one file come apart when it is written to.
    if (!tree.immutable || tree.entries !== undefined || tree.hasHardLinks) return false;
    const { dev } = statSync(tree.root);
    const known = this.#suited.get(dev) ?? !foreignFileSystems.has(statfsSync(tree.root).type);
    this.#suited.set(dev, known);
    return known;
  }

  /** Has no mount of the engine's shown all of these yet? See `ContainerLayers.proofs`. */
  unproven(proofs: readonly string[]): boolean {
    return proofs.some((proof) => !this.#proven.has(proof));
  }

  prove(proofs: readonly string[]): void {
    for (const proof of proofs) this.#proven.add(proof);
  }

  /** Layers of this kind are not used any more. */
  refuse(kind: ContainerLayers['kind'], why: string): void {
    if (kind === 'mounted') this.#refusal ??= why;
    else this.#sourcesRefusal ??= why;
  }

  /** The engine has said that it does not have a directory of this machine. */
  refuseAll(why: string): void {
    this.#sees = false;
    this.refuse('mounted', why);
  }

  async #look(): Promise<LayerWay | undefined> {
    const settings = this.#settings;
    if (settings === undefined) return this.#no('no layers are wanted');
    if (!this.#engine.isLocal) return this.#no('the engine is not on this machine');
    // It mounts volumes only while a container runs: nothing could be looked at before.
    if (this.#engine.kind === 'podman') return this.#no('the engine is Podman');
    if (settings.platform !== 'linux') return this.#no('the engine runs in a virtual machine');
    // All options of a mount have to fit into 4096 bytes.
    if (Buffer.byteLength(settings.directory) > 200) return this.#no(`${settings.directory} is too long a name`);
    const facts = await this.#engine.facts();
    if (facts.system !== 'linux') return this.#no('the engine is not on Linux');
    const obstacle = ['rootless', 'userns', 'selinux'].find((name) => facts.security.includes(name));
    if (obstacle !== undefined) return this.#no(`the engine uses ${obstacle}`);
    if (settings.uid === 0) return { changes: 'here' };
    return { changes: 'engine', volumesDirectory: `${facts.rootDirectory}/volumes` };
  }

  #no(why: string): undefined {
    this.refuse('mounted', why);
    return undefined;
  }
}

/** Magic numbers of NFS, SMB (3), FUSE, 9P, AFS, Ceph. Source: statfs(2) */
const foreignFileSystems: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997, 0x5346414f, 0x00c36400,
]);
