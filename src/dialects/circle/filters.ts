import { compileWholeMatch } from '../../expressions/whole-match.ts';
import type { GitFacts } from '../../model/context.ts';
import type { Node } from '../../syntax/node.ts';
import { holds } from './condition.ts';
import { field, problem, type Reading, textOf } from './reading.ts';
import type { Scope } from './scope.ts';

/** What `filters` say of a job for the branch or tag at hand. */
export type Verdict = { readonly kind: 'in' | 'out'; readonly because: string };

const unfiltered: Verdict = { kind: 'in', because: 'it has no filters' };

/**
 * Judges the filters of a job. For a branch: `only` first, then `ignore`, neither lets all in. For a tag: only jobs
 * with a filter for tags run, and filters for branches don't count. An expression is judged as it is.
 * Source: https://circleci.com/docs/reference/configuration-reference/#jobfilters
 */
export function judgeFilters(
  filters: Node | undefined,
  git: Pick<GitFacts, 'branch' | 'tag'>,
  scope: Scope,
  reading: Reading,
): Verdict {
  if (filters !== undefined && filters.kind !== 'map') {
    return holds(filters, { of: 'workflow', scope, reading })
      ? { kind: 'in', because: '`filters` hold' }
      : { kind: 'out', because: "`filters` don't hold" };
  }
  if (git.tag !== undefined) {
    const tags = field(filters, 'tags')?.value;
    if (tags === undefined)
      return { kind: 'out', because: `it has no filter for tags, and this is the tag ${git.tag}` };
    return judge(tags, git.tag, 'tag', reading);
  }
  const branches = field(filters, 'branches')?.value;
  if (branches === undefined) return unfiltered;
  return judge(branches, git.branch ?? '', 'branch', reading);
}

function judge(filter: Node, name: string, what: 'branch' | 'tag', reading: Reading): Verdict {
  const only = patternsOf(filter, 'only');
  if (only !== undefined && !matchesAny(only, name, reading)) {
    return { kind: 'out', because: `\`only\` of its filters does not name the ${what} ${name}` };
  }
  const ignore = patternsOf(filter, 'ignore');
  if (ignore !== undefined && matchesAny(ignore, name, reading)) {
    return { kind: 'out', because: `\`ignore\` of its filters names the ${what} ${name}` };
  }
  return { kind: 'in', because: `its filters let the ${what} ${name} in` };
}

/** A text, or a list of texts. Undefined: the key is not there. */
function patternsOf(filter: Node, key: string): readonly Node[] | undefined {
  const value = field(filter, key)?.value;
  if (value === undefined) return undefined;
  return value.kind === 'seq' ? value.items : [value];
}

function matchesAny(patterns: readonly Node[], name: string, reading: Reading): boolean {
  // All are read, so that all that is wrong is told.
  return patterns.map((pattern) => matchesOne(pattern, name, reading)).includes(true);
}

function matchesOne(pattern: Node, name: string, reading: Reading): boolean {
  const text = textOf(pattern);
  if (text === undefined) return false;
  const source = /^\/(.*)\/$/.exec(text)?.[1];
  if (source === undefined) return text === name;
  const regex = compileWholeMatch(source);
  if (regex.kind === 'regex') return regex.test(name);
  problem(reading, 'circle/regex', pattern.span, `the pattern \`${text}\` is wrong: ${regex.message}`);
  return false;
}
