import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Programs } from './workload.ts';

/** The peers, pinned. gitlab-ci-local crashes on Node 20, so it gets a newer one. */
const peers = { 'gitlab-ci-local': '4.75.1', node: '22.23.3', wireit: '0.14.13', 'js-yaml': '5.5.0' } as const;

/** What ran, for the head of the table. */
export function peerVersions(): string {
  return Object.entries(peers)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

/** Builds `ci` if the sources are newer, copies it to where no other build changes it, and looks for the rest. */
export async function findPrograms(given: {
  readonly root: string;
  /** Empty; gets the copy. */
  readonly directory: string;
  readonly peers: boolean;
  readonly image: string;
  readonly build: boolean;
}): Promise<Programs> {
  const { root, directory } = given;
  if (given.build && isStale(root)) {
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
  }
  mkdirSync(directory, { recursive: true });
  for (const name of ['bin', 'dist', 'schemas', 'package.json']) {
    cpSync(join(root, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const ci = join(directory, 'bin/ci.js');
  const started = spawnSync(process.execPath, [ci, '--version'], { encoding: 'utf8' });
  if (started.status !== 0) throw new Error(`the built ci does not run: ${started.stderr}`);
  const engineSocket = await findEngine(given.image);
  return {
    node: process.execPath,
    ci,
    root,
    limits: join(root, 'test/bench/limits'),
    ...(given.peers ? { peers: installPeers() } : {}),
    ...(engineSocket === undefined ? {} : { engineSocket }),
  };
}

function isStale(root: string): boolean {
  const built = join(root, 'dist/ci.js');
  if (!existsSync(built)) return true;
  const builtMs = statSync(built).mtimeMs;
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .some((name) => statSync(join(root, 'src', name)).mtimeMs > builtMs);
}

/** Installs the peers from npm into a cache folder outside the repository, once. */
function installPeers(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const directory = join(cache, 'ci-bench');
  const wanted = JSON.stringify({ private: true, dependencies: peers });
  const file = join(directory, 'package.json');
  const done = join(directory, 'node_modules/node/bin/node');
  if (existsSync(done) && existsSync(file) && readFileSync(file, 'utf8') === wanted) return directory;
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, wanted);
  const npm = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts=false'];
  execFileSync('npm', npm, { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
  return directory;
}

/** The unix socket of an engine that has the image. */
function findEngine(image: string): Promise<string | undefined> {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  if (!host.startsWith('unix://')) return Promise.resolve(undefined);
  const socketPath = host.slice('unix://'.length);
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: `/images/${image}/json`, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? socketPath : undefined);
    });
    asked.on('error', () => resolve(undefined));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
