import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import { suggester } from '../../util/nearest.ts';
import { interpolate } from './interpolate.ts';
import { kindOf, problem, type Reading, textOf } from './reading.ts';
import type { Scope } from './scope.ts';

/** `requires`: a job and how it has to have ended. */
export interface Requirement {
  readonly name: string;
  readonly span: Span;
  /** Absent: `success`. */
  readonly statuses?: readonly string[];
}

/** A job of a workflow that others can require, and what it requires itself, as it is written. */
export interface Requiring {
  readonly name: string;
  /** Names under which `requires` finds it, besides its own. */
  readonly aliases: readonly string[];
  /** The group of jobs as a part of which it is called; who requires that requires all of its jobs. */
  readonly group?: string;
  /** The number of the entry that it comes from; all jobs of a matrix have one. */
  readonly entry: number;
  /** The job that it calls, as it is written. */
  readonly calls: string;
  readonly requires: readonly { readonly node: Node; readonly scope: Scope; readonly upstream?: Node }[];
}

/** Jobs by their name, else by what else they are called. */
type Find = (name: string) => readonly Requiring[];

interface Among {
  readonly jobs: readonly Requiring[];
  readonly find: Find;
  readonly suggest: (name: string) => string | undefined;
  readonly reading: Reading;
}

/** The requirements of each job of a workflow, matrices as all of their jobs. */
export function resolveRequirements(jobs: readonly Requiring[], reading: Reading): readonly (readonly Requirement[])[] {
  const find = finder(jobs);
  const suggest = suggester(() => jobs.map((job) => job.name));
  return jobs.map((job) =>
    job.requires.flatMap((required) => resolve(required, job.entry, { find, suggest, jobs, reading })),
  );
}

function finder(jobs: readonly Requiring[]): Find {
  const byName = new Map<string, Requiring[]>();
  const byAlias = new Map<string, Requiring[]>();
  const byGroup = new Map<string, Requiring[]>();
  const add = (to: Map<string, Requiring[]>, name: string, job: Requiring): void => {
    const found = to.get(name);
    if (found === undefined) to.set(name, [job]);
    else found.push(job);
  };
  for (const job of jobs) {
    add(byName, job.name, job);
    for (const alias of new Set(job.aliases)) add(byAlias, alias, job);
    if (job.group !== undefined) add(byGroup, job.group, job);
  }
  return (name) => byName.get(name) ?? byAlias.get(name) ?? byGroup.get(name) ?? [];
}

function resolve(
  { node, scope, upstream }: Requiring['requires'][number],
  own: number,
  among: Among,
): readonly Requirement[] {
  const { find, reading } = among;
  const named = node.kind === 'map' && node.entries.size === 1 ? [...node.entries.values()][0] : undefined;
  const raw = named?.key ?? textOf(node);
  if (raw === undefined) {
    problem(reading, 'circle/workflow', node.span, `\`requires\` lists names of jobs, not ${kindOf(node)}`);
    return [];
  }
  const span = named?.keySpan ?? node.span;
  const statuses = statusesOf(named ?? upstreamOf(upstream, raw), reading);
  const asWritten = scope.matrix === undefined ? find(raw) : [];
  const name =
    asWritten.length > 0 ? raw : textOf(interpolate({ kind: 'scalar', value: raw, text: raw, span }, scope, reading))!;
  const all = asWritten.length > 0 ? asWritten : find(name);
  // A job that shares its name with another one means the other.
  const others = all.filter((job) => job.entry !== own);
  const found = others.length > 0 ? others : all;
  if (found.length === 0) reportUnknown(name, span, among);
  const entries = new Set(found.map((job) => (job.group === name ? name : job.entry))).size;
  if (entries > 1) {
    const hint = 'give each of them a `name`, or each matrix an `alias`';
    const message = `\`requires\` names \`${name}\`, which is the name of ${entries} others in this workflow`;
    problem(reading, 'circle/workflow', span, message, { hint });
  }
  return found.map((job) => ({ name: job.name, span, ...(statuses === undefined ? {} : { statuses }) }));
}

function reportUnknown(name: string, span: Span, { jobs, suggest, reading }: Among): void {
  const renamed = jobs.find((job) => job.calls === name);
  const hint = renamed
    ? `here the job is called \`${renamed.name}\``
    : (suggest(name) ?? 'list it under `jobs` of this workflow');
  const message = `\`requires\` names \`${name}\`, which is no job of this workflow`;
  problem(reading, 'circle/unknown-requirement', span, message, { hint });
}

const knownStatuses: ReadonlySet<string> = new Set([
  'success',
  'failed',
  'canceled',
  'not_run',
  'unauthorized',
  'terminal',
]);

/** What a compiled configuration says of a job that is required by name. */
function upstreamOf(upstream: Node | undefined, name: string): MapEntry | undefined {
  return upstream?.kind === 'map' ? upstream.entries.get(name) : undefined;
}

function statusesOf(named: MapEntry | undefined, reading: Reading): readonly string[] | undefined {
  if (named === undefined) return undefined;
  const node = named.value;
  return (node.kind === 'seq' ? node.items : [node]).flatMap((item) => {
    const text = textOf(item);
    if (text !== undefined && knownStatuses.has(text)) return [text];
    const hint = `a status is one of ${[...knownStatuses].join(', ')}`;
    problem(reading, 'circle/workflow', item.span, `\`requires\` knows no such status: ${kindOf(item)}`, { hint });
    return [];
  });
}
