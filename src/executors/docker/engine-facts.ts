import type Dockerode from 'dockerode';

/** What an engine tells of itself. */
export interface EngineFacts {
  /** `linux` or `windows`. */
  readonly system: string;
  /** `seccomp`, `apparmor`, `rootless`, `userns`, `selinux` … */
  readonly security: readonly string[];
  /** Where the engine keeps its files, on its own machine. */
  readonly rootDirectory: string;
  /** Docker Desktop runs its engine in a virtual machine. */
  readonly isDesktop: boolean;
  /** Of the engine; `''` where it does not tell. */
  readonly version: string;
  /** `Debian GNU/Linux 12`. */
  readonly operatingSystem: string;
  /** `x86_64`. */
  readonly architecture: string;
  /** `overlay2`, `vfs` … */
  readonly storageDriver: string;
  /** `1` or `2`; `''` where it does not tell. */
  readonly cgroupVersion: string;
  readonly cgroupDriver: string;
  readonly memoryBytes: number;
  readonly cpus: number;
  /** The engine's clock less this machine's, milliseconds; undefined where it does not tell its time. */
  readonly clockAheadMs?: number;
  /** Which limits its kernel can't keep, in the engine's words. */
  readonly warnings: readonly string[];
}

/** Asks an engine what it is. @throws the engine's error. */
export async function readEngineFacts(api: Dockerode): Promise<EngineFacts> {
  const askedMs = Date.now();
  const info = (await api.info()) as EngineInfo;
  const answeredMs = Date.now();
  const theirsMs = Date.parse(info.SystemTime ?? '');
  return {
    system: info.OSType ?? '',
    security: (info.SecurityOptions ?? []).map((option) => option.replace(/^name=/, '').replace(/,.*$/, '')),
    rootDirectory: info.DockerRootDir ?? '',
    isDesktop: info.OperatingSystem?.includes('Docker Desktop') ?? false,
    version: info.ServerVersion ?? '',
    operatingSystem: info.OperatingSystem ?? '',
    architecture: info.Architecture ?? '',
    storageDriver: info.Driver ?? '',
    cgroupVersion: info.CgroupVersion ?? '',
    cgroupDriver: info.CgroupDriver ?? '',
    memoryBytes: info.MemTotal ?? 0,
    cpus: info.NCPU ?? 0,
    ...(Number.isNaN(theirsMs) ? {} : { clockAheadMs: theirsMs - (askedMs + answeredMs) / 2 }),
    warnings: info.Warnings ?? [],
  };
}

interface EngineInfo {
  readonly OSType?: string;
  readonly OperatingSystem?: string;
  readonly SecurityOptions?: readonly string[] | null;
  readonly DockerRootDir?: string;
  readonly ServerVersion?: string;
  readonly Architecture?: string;
  readonly Driver?: string;
  readonly CgroupVersion?: string;
  readonly CgroupDriver?: string;
  readonly MemTotal?: number;
  readonly NCPU?: number;
  readonly SystemTime?: string;
  readonly Warnings?: readonly string[] | null;
}
