import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { peerVersions } from './programs.ts';

/** What the page says about the machine and the programs. */
export function gatherFacts(root: string): Readonly<Record<string, string>> {
  const commit = execFileSync('git', ['describe', '--always', '--dirty', '--tags'], { cwd: root, encoding: 'utf8' });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    date: new Date().toISOString().slice(0, 10),
    ci: `${version}, commit ${commit.trim()}`,
    processor: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`,
    memory: `${(totalmem() / 1e9).toFixed(0)} GB`,
    kernel: `${type()} ${release()}`,
    Node: process.version,
    engine: engineVersion(),
    peers: peerVersions(),
  };
}

function engineVersion(): string {
  const { status, stdout } = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' });
  return status === 0 ? `Docker ${stdout.trim()}` : 'none';
}
