import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureWorkload, type Result } from './measure.ts';
import { findPrograms, peerVersions } from './programs.ts';
import { judge, markdownPage, notes, textTable } from './report.ts';
import type { Workload } from './workload.ts';
import { benchImage } from './workloads/containers.ts';
import { workloads } from './workloads/index.ts';

const usage = `usage: npm run bench -- [NAME…] [--runs N] [--full] [--no-peers] [--write] [--json FILE] [--list]
NAME is a workload of --list, or the beginning of some. Nothing fails for being slow.
`;

/** The bench as a command; the exit code says whether all our own sides ran, not how fast. */
export async function main(args: readonly string[], root: string): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '5' },
      full: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      'no-peers': { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  const chosen = choose(positionals, values.full);
  if (values.help || chosen.length === 0 || !Number.isInteger(runs) || runs < 1) {
    process.stderr.write(usage);
    return values.help ? 0 : 2;
  }
  if (values.list) {
    for (const { name, title, full } of workloads) {
      process.stdout.write(`${name.padEnd(20)} ${title}${full ? ' (with --full, or named)' : ''}\n`);
    }
    return 0;
  }
  if (values.write && positionals.length > 0) {
    process.stderr.write('--write writes the whole table: it takes no names\n');
    return 2;
  }
  const directory = mkdtempSync(join(fastDirectory(), 'ci-bench-'));
  const removeAll = (): void => rmSync(directory, { recursive: true, force: true });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      removeAll();
      process.exit(code);
    });
  }
  try {
    const programs = await findPrograms({
      root,
      directory: join(directory, 'ci'),
      peers: !values['no-peers'],
      image: benchImage,
      build: !values['no-build'],
    });
    const load = loadavg()[0]!.toFixed(1);
    const say = (text: string): void => void process.stderr.write(`${text}\n`);
    const results: Result[] = [];
    for (const workload of chosen) {
      const result = await measureWorkload(workload, { programs, directory, runs, full: values.full, say });
      results.push(result);
      for (const target of workload.targets) {
        const { value, met } = judge(target, result);
        say(`${workload.name}: ${target.what}: ${value}, target met: ${met}`);
      }
    }
    process.stdout.write(`${textTable(results)}\n\n${notes(results).join('\n')}\n`);
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, undefined, 2));
    const facts = { ...gatherFacts(root), runs: `${runs} a side`, 'load at the start': load };
    if (values.write) writeFileSync(join(root, 'docs/BENCHMARKS.md'), markdownPage(results, facts));
    return results.some(({ workload, failed }) => failed.some(({ side }) => workload.sides[side]!.role === 'ours'))
      ? 1
      : 0;
  } finally {
    removeAll();
  }
}

function choose(names: readonly string[], full: boolean): readonly Workload[] {
  if (names.length === 0) return workloads.filter((workload) => full || !workload.full);
  const exact = workloads.filter(({ name }) => names.includes(name));
  const unknown = names.filter((name) => !exact.some((workload) => workload.name === name));
  return [...exact, ...workloads.filter(({ name }) => unknown.some((prefix) => name.startsWith(prefix)))];
}

/** Memory if there is enough of it, so that the disk's moods don't count. */
function fastDirectory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > 6e9 ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}

function gatherFacts(root: string): Readonly<Record<string, string>> {
  const commit = execFileSync('git', ['describe', '--always', '--dirty', '--tags'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    date: new Date().toISOString().slice(0, 10),
    ci: `${version}, ${commit}`,
    machine: `${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, ${(totalmem() / 1e9).toFixed(0)} GB, ${type()} ${release()}`,
    node: process.version,
    peers: peerVersions(),
    files: fastDirectory() === '/dev/shm' ? 'on tmpfs' : `in ${tmpdir()}`,
  };
}
