import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flat } from './graph.ts';
import { measureWorkload, runCommand } from './measure.ts';
import { findPrograms } from './programs.ts';
import { judge, markdownPage, notes, textTable } from './report.ts';
import type { Programs, Workload } from './workload.ts';
import { artifactsWorkload } from './workloads/artifacts.ts';
import { cacheWorkload } from './workloads/cache.ts';
import { benchImage, containersWorkload } from './workloads/containers.ts';
import { workloads } from './workloads/index.ts';
import { noopWorkload } from './workloads/jobs.ts';
import { lintWorkload } from './workloads/lint.ts';
import { logWorkload } from './workloads/log.ts';
import { treeWorkload } from './workloads/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ci-bench-test-'));
let programs: Programs;

beforeAll(async () => {
  const copy = join(directory, 'ci');
  programs = await findPrograms({ root, directory: copy, peers: false, image: benchImage, build: false });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const measure = (workload: Workload) =>
  measureWorkload(workload, { programs, directory, runs: 1, full: false, say: () => {} });

const version = workloads.find(({ name }) => name === 'version')!;

describe('a small bench', () => {
  it.each([
    version,
    lintWorkload(20),
    noopWorkload('jobs-flat-4', 'four jobs', flat(4)),
    logWorkload({ name: 'log-1', megabytes: 1 }),
    treeWorkload({ files: 50 }),
    artifactsWorkload(20),
    cacheWorkload(20),
    containersWorkload(2),
  ])('measures all sides of $name that can run here', async (workload) => {
    const result = await measure(workload);
    expect(result.failed).toEqual([]);
    const told = [...Object.keys(result.measured), ...result.skipped.map(({ side }) => side)];
    expect(told.sort()).toEqual(Object.keys(workload.sides).sort());
    for (const [side, { runs, wall, rss }] of Object.entries(result.measured)) {
      expect(runs, side).toBe(1);
      expect(wall.median, side).toBeGreaterThan(0);
      if (process.platform === 'linux' && workload.name !== 'log-1') expect(rss.median, side).toBeGreaterThan(1);
    }
    for (const target of workload.targets) {
      const skipped = target.sides.some((side) => result.skipped.some((each) => each.side === side));
      const { value, met } = judge(target, result);
      expect(met, target.what).toMatch(skipped ? /^–$/ : /^(yes|no)$/);
      expect(value).not.toContain('NaN');
    }
  });

  it('tells what a program said that failed, and goes on with the other sides', async () => {
    const broken: Workload = {
      ...version,
      name: 'broken',
      sides: {
        ours: {
          role: 'ours',
          command: ({ scratch }) => ({ argv: ['sh', '-c', 'echo on fire; exit 3'], cwd: scratch }),
        },
        start: version.sides['start']!,
      },
    };
    const result = await measure(broken);
    expect(result.failed).toEqual([{ side: 'ours', because: 'ended with 3: on fire' }]);
    expect(Object.keys(result.measured)).toEqual(['start']);
    expect(judge(broken.targets[0]!, result)).toEqual({ value: '–', met: '–' });
    expect(notes([result])).toEqual(['broken, ours: FAILED: ended with 3: on fire']);
    expect(textTable([result])).toMatch(/FAILED .*ours \/ start ≤ 1\.80 × +–$/m);
    expect(markdownPage([result], { node: 'v0' })).toContain('0 met, 0 not met, 1 not measured');
  });

  it('measures processor time and memory of what the program started', async () => {
    const busy =
      'const end = Date.now() + 300; const kept = Buffer.alloc(150e6, 1); while (Date.now() < end) kept[0]++;';
    const argv = ['sh', '-c', '"$0" -e "$1"; true', process.execPath, busy];
    const sample = await runCommand({ argv, cwd: directory }, directory);
    expect(sample.wall).toBeGreaterThan(0.3);
    expect(sample.cpu).toBeGreaterThan(0.05);
    if (process.platform === 'linux') expect(sample.rss).toBeGreaterThan(150);
  });

  it('takes nothing of the caller that slows Node down', async () => {
    const before = process.env['NODE_EXTRA_CA_CERTS'];
    process.env['NODE_EXTRA_CA_CERTS'] = '/nowhere';
    try {
      await runCommand({ argv: ['sh', '-c', 'test -z "$NODE_EXTRA_CA_CERTS"'], cwd: directory }, directory);
    } finally {
      if (before === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
      else process.env['NODE_EXTRA_CA_CERTS'] = before;
    }
  });

  it('has one name for each workload, and targets over sides that it has', () => {
    expect(new Set(workloads.map(({ name }) => name)).size).toBe(workloads.length);
    for (const { name, sides, targets } of workloads) {
      expect(targets.length, name).toBeGreaterThan(0);
      for (const target of targets) expect(Object.keys(sides), name).toEqual(expect.arrayContaining([...target.sides]));
    }
  });
});
