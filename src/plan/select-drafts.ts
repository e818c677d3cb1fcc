import type { Selection } from '../model/plan.ts';
import { compileGlob } from '../util/glob.ts';
import { nearest } from '../util/nearest.ts';
import type { Draft } from './decide-jobs.ts';
import { findByShortName } from './short-names.ts';

/** A name on the command line that means no job or stage: wrong usage, exit 2. */
export interface UnknownSelector {
  readonly option: 'selector' | 'stage' | 'from' | 'manual';
  readonly text: string;
  /** Names of the jobs that it may mean, where that is the trouble. */
  readonly ambiguous?: readonly string[];
  /** The three names most like it, nearest first. */
  readonly nearest: readonly string[];
}

/** Which jobs the user asked for, before what they need is added. */
export interface Asked {
  readonly drafts: ReadonlySet<Draft>;
  /** Named exactly: they run whatever their rules say, and are started if they are manual. */
  readonly named: ReadonlySet<Draft>;
  /** Manual jobs to start. */
  readonly started: ReadonlySet<Draft>;
  /** `needs`: add what they need. `none`: they run alone. */
  readonly closure: 'needs' | 'none';
  readonly unknown: readonly UnknownSelector[];
  readonly notices: readonly string[];
}

/**
 * Reads the selection. A glob or a stage selects among the jobs that rules let in; an exact name of a job or leg
 * selects it in any case. Without selectors, stages, `from` and `only` all jobs that are in are asked for.
 * @param after all jobs that wait for the given ones, directly or not (for `from`).
 */
export function selectDrafts(
  drafts: readonly Draft[],
  stages: readonly string[],
  selection: Selection,
  after: (from: readonly Draft[]) => Iterable<Draft>,
): Asked {
  const search: Search = { drafts, names: [...new Set(drafts.flatMap(namesOf))], unknown: [], notices: [] };
  const asked = new Set<Draft>();
  const named = new Set<Draft>();
  for (const text of selection.selectors) addSelected(search, text, asked, named);
  for (const stage of selection.stages) addStage(search, stage, stages, asked);
  if (selection.from !== undefined) {
    const match = find(search, 'from', selection.from);
    for (const draft of match?.drafts ?? []) named.add(draft);
    for (const draft of after(match?.drafts ?? [])) asked.add(draft);
  }
  if (selection.only) addOnly(search, selection.only, asked);
  const started = new Set<Draft>(named);
  for (const text of selection.manual === 'all' ? [] : selection.manual) {
    const match = find(search, 'manual', text);
    for (const draft of match?.drafts ?? []) started.add(draft);
  }
  const everything =
    selection.selectors.length === 0 &&
    selection.stages.length === 0 &&
    selection.from === undefined &&
    !selection.only;
  for (const draft of drafts) {
    if (everything && draft.included) asked.add(draft);
    if (selection.manual === 'all') started.add(draft);
  }
  const closure = selection.withNeeds && selection.from === undefined && !selection.only ? 'needs' : 'none';
  return { drafts: asked, named, started, closure, unknown: search.unknown, notices: search.notices };
}

/** Where names are looked for, and what is to be said of those that were. */
interface Search {
  readonly drafts: readonly Draft[];
  /** All names that jobs and their legs have, each once. */
  readonly names: readonly string[];
  readonly unknown: UnknownSelector[];
  readonly notices: string[];
}

/** What a text means; undefined: nothing, or more than one job, and that was noted. */
function find(search: Search, option: UnknownSelector['option'], text: string): Match | undefined {
  const match = matchSelector(text, search.drafts);
  if (match?.kind !== 'ambiguous') {
    if (!match) miss(search, option, text, search.names);
    return match;
  }
  const ambiguous = match.drafts.map(({ job }) => job.definition.name);
  search.unknown.push({ option, text, nearest: [], ambiguous: [...new Set(ambiguous)] });
  return undefined;
}

function miss(
  { unknown }: Search,
  option: UnknownSelector['option'],
  text: string,
  candidates: readonly string[],
): void {
  unknown.push({ option, text, nearest: nearest(text, candidates, 3, Number.POSITIVE_INFINITY) });
}

function addSelected(search: Search, text: string, asked: Set<Draft>, named: Set<Draft>): void {
  const match = find(search, 'selector', text);
  for (const draft of match?.drafts ?? []) {
    if (match?.kind === 'exact') named.add(draft);
    if (match?.kind === 'exact' || draft.included) asked.add(draft);
  }
  if (match?.kind === 'glob' && !match.drafts.some((draft) => draft.included)) {
    search.notices.push(
      `all jobs that match \`${text}\` are left out by their rules; name one exactly to run it all the same`,
    );
  }
}

function addStage(search: Search, stage: string, stages: readonly string[], asked: Set<Draft>): void {
  if (!stages.includes(stage)) miss(search, 'stage', stage, stages);
  const inStage = search.drafts.filter((draft) => draft.included && draft.job.definition.stage.value === stage);
  if (stages.includes(stage) && inStage.length === 0)
    search.notices.push(`no job of stage \`${stage}\` is in the pipeline`);
  for (const draft of inStage) asked.add(draft);
}

/** Ids of the last run: a job that is gone from the file since is passed over with a notice. */
function addOnly({ drafts, notices }: Search, only: readonly string[], asked: Set<Draft>): void {
  const byId = new Map(drafts.map((draft) => [draft.leg.name, draft]));
  for (const id of only) {
    const draft = byId.get(id);
    if (draft) asked.add(draft);
    else notices.push(`job \`${id}\` of the last run is no longer in the file`);
  }
}

interface Match {
  readonly kind: 'exact' | 'glob' | 'ambiguous';
  readonly drafts: readonly Draft[];
}

function matchSelector(text: string, drafts: readonly Draft[]): Match | undefined {
  const exact = drafts.filter(({ job, leg }) => job.definition.name === text || leg.name === text);
  if (exact.length > 0) return { kind: 'exact', drafts: exact };
  const short = findByShortName(text, drafts.map(shortNameOf));
  if (short)
    return { kind: short.kind === 'found' ? 'exact' : 'ambiguous', drafts: short.jobs.map(({ draft }) => draft) };
  if (!/[*?[{]/.test(text)) return undefined;
  // In a name a slash is nothing special: `*` stands for it too.
  const flat = (name: string): string => name.replaceAll('/', '\u0001');
  const test = compileGlob(flat(text), { dialect: 'fnmatch' });
  const found = drafts.filter((draft) => namesOf(draft).some((name) => test(flat(name))));
  return found.length > 0 ? { kind: 'glob', drafts: found } : undefined;
}

function namesOf({ job: { definition }, leg }: Draft): readonly string[] {
  return [definition.name, leg.name, ...(definition.alsoCalled ?? [])];
}

function shortNameOf(draft: Draft) {
  return { definition: draft.job.definition, included: draft.included, draft };
}
