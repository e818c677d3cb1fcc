import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureWorkload } from './measure.ts';
import { findPrograms } from './programs.ts';
import { reasons } from './reasons.ts';
import { judge, markdownPage, notes, rowKey, textTable } from './report.ts';
import { whyNoOverlays } from './room.ts';
import { runCommand } from './run-command.ts';
import type { Programs, Sample, Workload } from './workload.ts';
import { benchImage } from './workloads/containers.ts';
import { allWorkloads } from './workloads/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ci-bench-test-'));
let programs: Programs;

beforeAll(async () => {
  const copy = join(directory, 'ci');
  const found = await findPrograms({ root, directory: copy, peers: false, image: benchImage, build: false });
  const noOverlays = whyNoOverlays(directory);
  programs = { ...found, ...(noOverlays === undefined ? {} : { noOverlays }) };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const measure = (workload: Workload) =>
  measureWorkload(workload, {
    programs,
    directory,
    removal: 'at once',
    runs: 1,
    full: true,
    signal: new AbortController().signal,
    say: () => {},
  });

const workloads = allWorkloads('small');
const version = workloads.find(({ name }) => name === 'version')!;

describe('a small bench', () => {
  it.each(workloads)('measures all sides of $name that can run here', async (workload) => {
    const result = await measure(workload);
    expect(result.failed).toEqual([]);
    const told = [...Object.keys(result.measured), ...result.skipped.map(({ side }) => side)];
    expect(told.sort()).toEqual(Object.keys(workload.sides).sort());
    for (const [side, { runs, wall, rss }] of Object.entries(result.measured)) {
      expect(runs, side).toBe(workload.quick ? Math.min(3, workload.sides[side]!.mostRuns ?? 3) : 1);
      expect(wall.median, side).toBeGreaterThan(0);
      if (process.platform === 'linux' && !workload.name.startsWith('log')) {
        expect(rss.median, side).toBeGreaterThan(1);
      }
    }
    for (const target of workload.targets) {
      const skipped = target.sides.some((side) => result.skipped.some((each) => each.side === side));
      const { value, met } = judge(target, result);
      expect(met, target.name).toMatch(skipped ? /^–$/ : /^(yes|no)$/);
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
    expect(judge(broken.targets[0]!, result)).toEqual({ value: '–', bound: '≤ 1.8 × start', met: '–' });
    expect(notes([result])).toEqual(['broken, ours: FAILED: ended with 3: on fire']);
    expect(textTable([result])).toMatch(/FAILED +start \d.* ≤ 1\.8 × start +– +–$/m);
    expect(markdownPage([result], { node: 'v0' })).toContain('0 met, 0 not met, 1 not measured');
  });

  it('measures processor time and memory of what the program started', async () => {
    const busy =
      'const end = Date.now() + 300; const kept = Buffer.alloc(150e6, 1); while (Date.now() < end) kept[0]++;';
    const argv = ['sh', '-c', '"$0" -e "$1"; true', process.execPath, busy];
    const sample = (await runCommand({ argv, cwd: directory }, { directory })) as Sample;
    expect(sample.wall).toBeGreaterThan(0.3);
    expect(sample.cpu).toBeGreaterThan(0.05);
    if (process.platform === 'linux') expect(sample.rss).toBeGreaterThan(150);
  });

  it('takes nothing of the caller that slows Node down', async () => {
    const before = process.env['NODE_EXTRA_CA_CERTS'];
    process.env['NODE_EXTRA_CA_CERTS'] = '/nowhere';
    try {
      await runCommand({ argv: ['sh', '-c', 'test -z "$NODE_EXTRA_CA_CERTS"'], cwd: directory }, { directory });
    } finally {
      if (before === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
      else process.env['NODE_EXTRA_CA_CERTS'] = before;
    }
  });

  it('stops a side at its time limit, with all that it started, and tells so', async () => {
    const stopped: Workload = {
      ...version,
      name: 'stopped',
      sides: {
        ...version.sides,
        gcl: {
          role: 'peer',
          limitSeconds: 0.3,
          command: ({ scratch }) => ({ argv: ['sh', '-c', 'sleep 61 & wait'], cwd: scratch }),
        },
      },
    };
    const result = await measure(stopped);
    expect(result.measured['gcl']).toMatchObject({ runs: 1, stopped: true, wall: { median: 0.3 } });
    expect(notes([result])).toEqual(['stopped, gcl: stopped after 0.3 s']);
    expect(markdownPage([result], {})).toMatch(/^\| `ci --version` .* \| gcl > [\d.]+ × \|$/m);
    expect(spawnSync('pgrep', ['-f', '^sleep 61$']).status).toBe(1);
  });

  it('writes a page with bounds in seconds as multiples of Node, and a place for the reason of each miss', () => {
    const spread = (value: number) => ({ median: value, least: value, most: value });
    const took = (wall: number) => ({ runs: 1, wall: spread(wall), cpu: spread(wall), rss: spread(40) });
    const workload = allWorkloads('real').find(({ name }) => name === 'includes-nested-50')!;
    const measured = { ours: took(0.6), start: took(0.07), gcl: took(3) };
    const page = markdownPage([{ workload, measured, skipped: [], failed: [] }], { date: 'today' });
    const row =
      '| `ci lint`, includes nested 50 deep | 0.600 s, CPU 0.60 s, 40 MB | start 0.070 s | 8.6 × Node (0.600 s) ' +
      '| ≤ 7.1 × Node (0.25 s; here 0.500 s) | no | gcl 5.0 × |';
    expect(page).toContain(row);
    expect(page).toContain('- date: today\n- targets: 0 met, 1 not met, 0 not measured\n');
    expect(page).toMatch(/^- `includes-nested-50\/time`: 8\.6 × Node .*\. \S/m);
  });

  it('has one name for each workload and row, targets over sides that it has, and reasons for rows that there are', () => {
    for (const all of [workloads, allWorkloads('real')]) {
      expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
      for (const { name, sides, targets } of all) {
        expect(targets.length, name).toBeGreaterThan(0);
        expect(new Set(targets.map((target) => target.name)).size, name).toBe(targets.length);
        for (const target of targets) {
          const read = [...target.sides, target.side, target.against ?? target.side, ...(target.peers ?? [])];
          expect(Object.keys(sides), `${name}/${target.name}`).toEqual(expect.arrayContaining(read));
        }
      }
    }
    const rows = allWorkloads('real').flatMap((workload) =>
      workload.targets.map((target) => rowKey({ workload }, target)),
    );
    for (const key of Object.keys(reasons)) expect(rows).toContain(key);
  });
});
