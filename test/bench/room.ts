import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with room for a workload. */
export interface Room {
  readonly path: string;
  /** For people: `tmpfs (/dev/shm)`. */
  readonly what: string;
  /** On a disk a file system may be busy for long with what was removed just before. */
  readonly kind: 'memory' | 'disk';
}

/** What has to stay free, 10⁹ bytes. */
const spareGigabytes = 4;

/** Memory if there is enough of it and overlays work there, so that the disk's moods don't count; else the temporary directory. */
export function findRoom(gigabytes: number): Room | undefined {
  const memory: Room = { path: '/dev/shm', what: `${fileSystemOf('/dev/shm')} (/dev/shm)`, kind: 'memory' };
  const disk: Room = { path: tmpdir(), what: `${fileSystemOf(tmpdir())} (${tmpdir()})`, kind: 'disk' };
  const wanted = gigabytes + spareGigabytes;
  const inMemory = Math.min(freeGigabytes(memory.path), availableMemoryGigabytes());
  if (inMemory >= wanted && (whyNoOverlays(memory.path) === undefined || whyNoOverlays(disk.path) !== undefined)) {
    return memory;
  }
  return freeGigabytes(disk.path) >= wanted ? disk : undefined;
}

/** Why the layers of a job can't be mounted below a folder; undefined: they can. */
export function whyNoOverlays(path: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting an overlay takes root on Linux';
  const base = mkdtempSync(join(path, 'ci-bench-overlay-'));
  try {
    const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(base, name));
    for (const folder of [lower, upper, work, merged]) mkdirSync(folder!);
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged!], { stdio: 'pipe' });
    execFileSync('umount', [merged!], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `an overlay can't be mounted in ${path}: ${error instanceof Error ? error.message.split('\n').at(-1) : error}`;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function freeGigabytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return (bavail * bsize) / 1e9;
  } catch {
    return 0;
  }
}

/** A file system in memory may promise more than there is. */
function availableMemoryGigabytes(): number {
  try {
    return (Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))![1]) * 1024) / 1e9;
  } catch {
    return 0;
  }
}

function fileSystemOf(path: string): string {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    const fits = mounts.filter(([, at]) => at === '/' || path === at || path.startsWith(`${at}/`));
    return fits.reduce((best, each) => (each[1]!.length >= best[1]!.length ? each : best))[2]!;
  } catch {
    return 'file system';
  }
}
