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

/** The jobs that go by one name. */
interface Named {
  readonly jobs: Requiring[];
  /** The entries of the workflow that they come from; a group that is called by the name counts as one. */
  readonly entries: Set<number | string>;
}

/** Jobs by their name, else by what else they are called. */
type Find = (name: string) => Named | undefined;

interface Among {
  readonly find: Find;
  /** The first job that calls another one. */
  readonly callOf: (called: string) => Requiring | undefined;
  readonly suggest: (name: string) => string | undefined;
  readonly reading: Reading;
}

/** The requirements of each job of a workflow, matrices as all of their jobs. */
export function resolveRequirements(jobs: readonly Requiring[], reading: Reading): readonly (readonly Requirement[])[] {
  const find = finder(jobs);
  const suggest = suggester(() => jobs.map((job) => job.name));
  const calls = new Map<string, Requiring>();
  for (const job of jobs) if (!calls.has(job.calls)) calls.set(job.calls, job);
  const among: Among = { find, callOf: (called) => calls.get(called), suggest, reading };
  return jobs.map((job) => job.requires.flatMap((required) => resolve(required, job.entry, among)));
}

function finder(jobs: readonly Requiring[]): Find {
  const byName = new Map<string, Named>();
  const byAlias = new Map<string, Named>();
  const byGroup = new Map<string, Named>();
  const add = (to: Map<string, Named>, name: string, job: Requiring): void => {
    const named = to.get(name) ?? { jobs: [], entries: new Set() };
    named.jobs.push(job);
    named.entries.add(job.group === name ? name : job.entry);
    to.set(name, named);
  };
  for (const job of jobs) {
    add(byName, job.name, job);
    for (const alias of new Set(job.aliases)) add(byAlias, alias, job);
    if (job.group !== undefined) add(byGroup, job.group, job);
  }
  return (name) => byName.get(name) ?? byAlias.get(name) ?? byGroup.get(name);
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
  const asWritten = scope.matrix === undefined ? find(raw) : undefined;
  const name =
    asWritten !== undefined
      ? raw
      : textOf(interpolate({ kind: 'scalar', value: raw, text: raw, span }, scope, reading))!;
  const sought = asWritten ?? find(name);
  if (sought === undefined) {
    reportUnknown(name, span, among);
    return [];
  }
  const others = sought.entries.size - (sought.entries.has(own) ? 1 : 0);
  if (others > 1) {
    const hint = 'give each of them a `name`, or each matrix an `alias`';
    const message = `\`requires\` names \`${name}\`, which is the name of ${others} others in this workflow`;
    problem(reading, 'circle/workflow', span, message, { hint });
    return [];
  }
  // A job that shares its name with another one means the other.
  const meant = sought.jobs.filter((job) => job.entry !== own);
  const found = meant.length > 0 ? meant : sought.jobs;
  return found.map((job) => ({ name: job.name, span, ...(statuses === undefined ? {} : { statuses }) }));
}

function reportUnknown(name: string, span: Span, { callOf, suggest, reading }: Among): void {
  const renamed = callOf(name);
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
