import { expandVariables, referencedVariables } from './expand-variables.ts';
import { findCycles } from './find-cycles.ts';
import { uniqueVariables } from './merge-variables.ts';
import type { NamedValue } from './named-value.ts';

/** Whom the expanded variables are for: a shell, or a runner that goes on expanding them. */
export interface SortAndExpandOptions {
  /**
   * `final` (default): values as the job's shell sees them; every result is marked `raw`, since nothing may expand it
   * again. `server`: values as GitLab hands them to a runner, which expands once more: unknown names, `$$`, and
   * references to raw and file variables stay as written; members of a cycle become raw, so that it expands them neither.
   */
  readonly as?: 'final' | 'server';
  /** `final`: the path that a reference to a file variable becomes. Absent: the reference stays as written. */
  readonly filePath?: (name: string) => string;
}

/**
 * Expands references between variables, through any number of levels. A reference to itself and all references of a
 * cycle stay as written; `raw` and file variables are never expanded.
 * Source: lib/gitlab/ci/variables/collection.rb (`sort_and_expand_all`)
 * @param variables of a name that occurs twice the last one counts.
 * @returns each name once, in the order of the input.
 */
export function sortAndExpand(
  variables: readonly NamedValue[],
  options: SortAndExpandOptions = {},
): readonly NamedValue[] {
  const final = options.as !== 'server';
  const unique = uniqueVariables(variables);
  // Most jobs have no reference in any of their values.
  if (!final && !unique.some(refersToOthers)) return unique;
  const byName = new Map(unique.map((variable) => [variable.name, variable]));
  const cyclic = new Set(findCycles([...byName.keys()], (name) => dependencies(byName.get(name)!, byName)).flat());
  const values = new Map<string, string>();

  const refer = (name: string, written: string): string | undefined => {
    const target = byName.get(name);
    if (!target) return final ? undefined : written;
    if (target.file) return (final ? options.filePath?.(name) : undefined) ?? written;
    if (!final && (target.raw || cyclic.has(name))) return written;
    return values.get(name) ?? target.value;
  };

  for (const name of inOrderOfUse(unique, byName, cyclic)) {
    const variable = byName.get(name)!;
    const literal = variable.raw || variable.file || cyclic.has(name);
    values.set(name, literal ? variable.value : expandOne(variable, final, refer));
  }
  return unique.map((variable) => ({
    ...variable,
    value: values.get(variable.name)!,
    ...(final || cyclic.has(variable.name) ? { raw: true } : {}),
  }));
}

function refersToOthers({ raw, file, value }: NamedValue): boolean {
  return !raw && !file && value.includes('$');
}

function expandOne(
  variable: NamedValue,
  final: boolean,
  refer: (name: string, written: string) => string | undefined,
): string {
  const lookup = (name: string, written: string): string | undefined =>
    name === variable.name ? written : refer(name, written);
  return expandVariables(variable.value, lookup, { dollars: final ? 'unescape' : 'keep' });
}

/** Names that the value of `name` makes it wait for. */
function dependencies(variable: NamedValue, byName: ReadonlyMap<string, NamedValue>): readonly string[] {
  if (variable.raw || variable.file) return [];
  return referencedVariables(variable.value).filter((name) => name !== variable.name && byName.has(name));
}

/** Referenced names before those that refer to them (depth first, without recursion: chains may be long). */
function inOrderOfUse(
  variables: readonly NamedValue[],
  byName: ReadonlyMap<string, NamedValue>,
  cyclic: ReadonlySet<string>,
): readonly string[] {
  const done = new Set<string>();
  for (const { name: start } of variables) {
    const stack = [{ name: start, left: false }];
    while (stack.length > 0) {
      const { name, left } = stack.pop()!;
      if (done.has(name)) continue;
      if (left || cyclic.has(name)) {
        done.add(name);
        continue;
      }
      stack.push({ name, left: true });
      for (const next of dependencies(byName.get(name)!, byName))
        if (!done.has(next)) stack.push({ name: next, left: false });
    }
  }
  return [...done];
}

/** Groups of variables that refer to each other in a circle, in which nothing is expanded; a reference to itself is none. */
export function variableCycles(variables: readonly NamedValue[]): readonly (readonly string[])[] {
  const byName = new Map(variables.filter(refersToOthers).map((variable) => [variable.name, variable]));
  if (byName.size < 2) return [];
  return findCycles([...byName.keys()], (name) => dependencies(byName.get(name)!, byName));
}
