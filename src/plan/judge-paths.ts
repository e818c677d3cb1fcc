import type { Report, Span } from '../diagnostics/diagnostic.ts';
import type { RepositoryQuery } from '../model/context.ts';
import type { ProjectCheckouts } from '../model/included-file.ts';
import type { ExistsCondition, Rule } from '../model/pipeline.ts';
import type { ClauseTrace } from '../model/plan.ts';
import { compileGlob } from '../util/glob.ts';
import { memoised } from '../util/memoised.ts';
import { expandPattern, type FindVariable } from './expand-text.ts';

/** GitLab takes a condition for true that would cost it more comparisons of a path with a pattern. */
const maxChangesComparisons = 50_000;
const maxExistsComparisons = 10_000;

type Judge<K extends 'changes' | 'exists'> = (condition: NonNullable<Rule[K]>, find: FindVariable) => ClauseTrace;

const fnmatch = { dialect: 'fnmatch' } as const;

/** Source: lib/gitlab/ci/build/rules/rule/clause/changes.rb */
export function changesJudge(query: RepositoryQuery, report: Report): Judge<'changes'> {
  const compile = memoised((pattern: string) => compileGlob(pattern, fnmatch));
  const changed = memoised((base: string | undefined) => {
    const paths = query.changedPaths(base);
    return { count: paths?.length, first: memoised((pattern: string) => paths?.find(compile(pattern))) };
  });
  const knows = memoised((revision: string) => query.knowsRevision(revision));

  return (changes, find) => {
    const base = changes.compareTo === undefined ? undefined : expandPattern(changes.compareTo, find);
    const trace = { kind: 'changes' as const, text: changes.paths.join(', ') };
    if (base !== undefined && !knows(base)) {
      const hint = 'fetch it from the server, or name another one with --changed-since';
      unknownRevision(report, changes.span, `\`compare_to\` names no branch, tag or commit: \`${base}\``, hint);
      return { ...trace, result: false, values: [`there is no revision ${base}`] };
    }
    const { count, first } = changed(base);
    if (count === undefined) return { ...trace, result: true, values: ['there is nothing to compare with'] };
    const patterns = new Set(changes.paths.map((pattern) => expandPattern(pattern, find)));
    if (count * patterns.size > maxChangesComparisons) {
      return { ...trace, result: true, values: [tooMany(maxChangesComparisons)] };
    }
    for (const pattern of patterns) {
      const path = first(pattern);
      if (path !== undefined) return { ...trace, result: true, values: [`changed: ${path}`] };
    }
    const paths = count === 1 ? '1 changed path' : `${count} changed paths`;
    return { ...trace, result: false, values: [`no match in ${paths}`] };
  };
}

/** Source: lib/gitlab/ci/build/rules/rule/clause/exists.rb */
export function existsJudge(
  query: RepositoryQuery,
  projects: ProjectCheckouts | undefined,
  report: Report,
): Judge<'exists'> {
  const own = memoised((_: 'own') => searchable(query.paths()));
  const foreign = memoised((key: string) => {
    const [project, ref] = JSON.parse(key) as [string, string?];
    const paths = projects?.paths(project, ref);
    return paths && searchable(paths);
  });

  /** The files to look among, or why there are none. */
  const filesOf = (exists: ExistsCondition, find: FindVariable): Searchable | string => {
    if (exists.project === undefined) return own('own');
    const project = expandPattern(exists.project, find);
    const ref = exists.ref === undefined ? undefined : expandPattern(exists.ref, find);
    const files = foreign(JSON.stringify(ref === undefined ? [project] : [project, ref]));
    if (files) return files;
    if (projects?.directory(project) === undefined) {
      notMapped(report, exists.span, project);
      return `the project ${project} is not on this machine`;
    }
    const message = `\`ref\` names no branch, tag or commit of \`${project}\`: \`${ref ?? ''}\``;
    unknownRevision(report, exists.span, message, `fetch it in \`${projects.directory(project)}\``);
    return `${project} has no ${ref ?? 'files'}`;
  };

  return (exists, find) => {
    const trace = { kind: 'exists' as const, text: exists.paths.join(', ') };
    const files = filesOf(exists, find);
    if (typeof files === 'string') return { ...trace, result: false, values: [files] };
    const patterns = exists.paths.map((pattern) => expandPattern(pattern, find));
    return { ...trace, ...search(files, patterns) };
  };
}

interface Searchable {
  readonly count: number;
  readonly topLevelCount: number;
  /** Index and path of the first match among all, or among those without a slash. */
  readonly first: (pattern: string) => { readonly index: number; readonly path: string } | undefined;
  readonly has: (path: string) => boolean;
}

function searchable(paths: readonly string[]): Searchable {
  const set = new Set(paths);
  const first = memoised((pattern: string) => {
    const index = paths.findIndex(compileGlob(pattern, fnmatch));
    return index < 0 ? undefined : { index, path: paths[index]! };
  });
  const topLevelCount = paths.reduce((count, path) => count + (path.includes('/') ? 0 : 1), 0);
  return { count: paths.length, topLevelCount, first, has: (path) => set.has(path) };
}

/** Plain paths, then `**` with an extension, then patterns, of which each comparison counts. */
function search(files: Searchable, patterns: readonly string[]): Pick<ClauseTrace, 'result' | 'values'> {
  const found = (path: string) => ({ result: true, values: [`found: ${path}`] });
  const plain = patterns.find((pattern) => !hasWildcard(pattern) && files.has(pattern));
  if (plain !== undefined) return found(plain);
  const topLevel = patterns.every((pattern) => !pattern.includes('/') && !pattern.includes('**'));
  let comparisons = 0;
  for (const pattern of patterns.filter(hasWildcard)) {
    const match = files.first(pattern);
    const free = /^\*\*\/\*\.[^/*?[{]*$/.test(pattern);
    if (match && (free || topLevel || comparisons + match.index < maxExistsComparisons)) return found(match.path);
    if (free) continue;
    comparisons += topLevel ? files.topLevelCount : match ? match.index + 1 : files.count;
    if (comparisons > maxExistsComparisons) return { result: true, values: [tooMany(maxExistsComparisons)] };
  }
  return { result: false, values: ['no such file'] };
}

function hasWildcard(pattern: string): boolean {
  return /[*?[{]/.test(pattern);
}

function tooMany(limit: number): string {
  return `more than ${limit.toLocaleString('en')} comparisons: taken for true, as on GitLab`;
}

function unknownRevision(report: Report, span: Span, message: string, hint: string): void {
  report({ code: 'plan/unknown-revision', severity: 'error', message, span, hint });
}

function notMapped(report: Report, span: Span, project: string): void {
  report({
    code: 'plan/project-not-mapped',
    severity: 'warning',
    message: `\`rules:exists\` asks for files of \`${project}\`, which is not on this machine, so it does not hold`,
    span,
    hint: `say where it lies with \`--project ${project}=PATH\``,
  });
}
