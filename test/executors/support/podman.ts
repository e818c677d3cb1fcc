import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectEngine, type Engine } from '../../../src/executors/docker/engine.ts';
import { findProgram } from '../../../src/util/find-program.ts';
import { runCommand } from '../../../src/util/process-command.ts';
import { processesWith } from './processes.ts';

/** A Podman service of the test's own, with the test images. */
export interface TestPodman extends AsyncDisposable {
  /** `unix://…`. */
  readonly host: string;
  readonly engine: Engine;
}

/**
 * Podman with its own storage, so that nothing of the machine's is touched.
 * With cgroups of both versions only runc works; the limits of Podman's default are not every machine's to give.
 */
const configuration = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Why there can be no Podman here, or undefined. */
export function noPodman(): string | undefined {
  const path = process.env.PATH ?? '';
  if (process.getuid?.() !== 0) return 'only root can start a Podman service of its own here';
  const missing = ['podman', 'runc', 'docker'].find((name) => findProgram(name, path) === undefined);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/**
 * Starts a Podman service.
 * @param dockerHost the engine that has the test images.
 */
export async function startPodman(dockerHost: string, images: readonly string[]): Promise<TestPodman> {
  const place = mkdtempSync(join(tmpdir(), 'ci-podman-'));
  // What is mounted there must not be below a memory file system: overlays do not go on all of them.
  for (const name of ['root', 'run', 'tmp']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'containers.conf'), configuration);
  const storage = ['--root', join(place, 'root'), '--runroot', join(place, 'run'), '--tmpdir', join(place, 'tmp')];
  const env = { PATH: process.env.PATH ?? '', HOME: place, CONTAINERS_CONF: join(place, 'containers.conf') };
  const socket = join(place, 'podman.sock');
  const host = `unix://${socket}`;
  const service = spawn('podman', [...storage, 'system', 'service', '--time=0', host], {
    env,
    // Its helpers leave a file where they are when a container runs out of memory.
    cwd: place,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const dispose = async (): Promise<void> => {
    await runCommand(['podman', ...storage, 'rm', '--force', '--all', '--time', '0'], { env }).catch(() => {});
    await end(service);
    // Helpers of commands in containers wait for minutes before they tidy up.
    endHelpers(place);
    await runCommand(['podman', ...storage, 'system', 'reset', '--force'], { env }).catch(() => {});
    // It stays mounted on itself where that is a memory file system.
    await runCommand(['umount', '--lazy', join(place, 'root', 'overlay')], { env }).catch(() => {});
    await runCommand(['rm', '-rf', '--one-file-system', place], { env });
  };
  try {
    const engine = await answering(service, host, place);
    for (const image of images) await copyImage(image, { from: dockerHost, to: host, file: join(place, 'image.tar') });
    return { host, engine, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Ends Podman's helpers that work in a folder. */
function endHelpers(place: string): void {
  for (const pid of processesWith('/usr/bin/conmon ')) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${place}/`)) process.kill(Number(pid));
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function end(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const gone = once(service, 'exit');
  service.kill('SIGTERM');
  await gone;
}

async function answering(service: ChildProcess, host: string, home: string): Promise<Engine> {
  let said = '';
  service.stderr!.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  for (let tries = 0; ; tries++) {
    try {
      return await connectEngine({ home, host });
    } catch (error) {
      if (tries === 100 || service.exitCode !== null)
        throw new Error(`Podman does not answer: ${said}`, { cause: error });
      await sleep(100);
    }
  }
}

async function copyImage(
  image: string,
  { from, to, file }: { readonly from: string; readonly to: string; readonly file: string },
): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent' };
  for (const argv of [
    ['docker', '-H', from, 'save', '-o', file, image],
    ['docker', '-H', to, 'load', '-i', file],
  ]) {
    const { code, stderr } = await runCommand(argv, { env });
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  }
}
