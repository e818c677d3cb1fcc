import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Result } from './measure.ts';
import { measureAll } from './measure-all.ts';
import { markdownPage, notes, textTable } from './report.ts';
import type { Workload } from './workload.ts';
import { allWorkloads } from './workloads/index.ts';

const workloads = allWorkloads('real');

const usage = `usage: npm run bench -- [NAME…] [--runs N] [--full] [--no-peers] [--write] [--json FILE] [--list]
       npm run bench -- --page FILE     writes docs/BENCHMARKS.md anew from what --json kept, after a change of the reasons
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
      page: { type: 'string' },
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
  if (values.page !== undefined) {
    const { facts, results } = keptResults(values.page);
    writeFileSync(join(root, 'docs/BENCHMARKS.md'), markdownPage(results, facts));
    return 0;
  }
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(new Stopped(signal)));
  try {
    const { results, facts } = await measureAll(chosen, {
      root,
      runs,
      full: values.full,
      peers: !values['no-peers'],
      build: !values['no-build'],
      signal: abort.signal,
    });
    process.stdout.write(`${textTable(results)}\n\n${notes(results).join('\n')}\n`);
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ facts, results }, undefined, 2));
    if (values.write) writeFileSync(join(root, 'docs/BENCHMARKS.md'), markdownPage(results, facts));
    return results.some(({ workload, failed }) => failed.some(({ side }) => workload.sides[side]!.role === 'ours'))
      ? 1
      : 0;
  } catch (error) {
    if (error instanceof Stopped) return 130;
    throw error;
  }
}

interface Kept {
  readonly facts: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
}

/** What `--json` wrote; the workloads, which are code, come from here. */
function keptResults(path: string): Kept {
  const { facts, results } = JSON.parse(readFileSync(path, 'utf8')) as Kept;
  const known = new Map(workloads.map((workload) => [workload.name, workload]));
  return { facts, results: results.map((result) => ({ ...result, workload: known.get(result.workload.name)! })) };
}

/** A signal came. */
class Stopped extends Error {}

function choose(names: readonly string[], full: boolean): readonly Workload[] {
  if (names.length === 0) return workloads.filter((workload) => full || !workload.full);
  const exact = workloads.filter(({ name }) => names.includes(name));
  const unknown = names.filter((name) => !exact.some((workload) => workload.name === name));
  return [...exact, ...workloads.filter(({ name }) => unknown.some((prefix) => name.startsWith(prefix)))];
}
