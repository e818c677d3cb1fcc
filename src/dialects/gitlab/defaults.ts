import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { take } from './keyword.ts';
import { defaultKeys, globalDefaultKeys } from './keywords/default.ts';
import { type Inherit, inherit, inheritAll } from './keywords/inherit.ts';
import { isAbsent } from './merge.ts';
import { invalidValue, type Reading } from './reading.ts';
import { field, kindOf } from './values.ts';

/** What jobs take over: `default`, and the deprecated keywords at the top level. */
export function readDefaults(root: MapNode, reading: Reading): ReadonlyMap<string, MapEntry> {
  const entries = new Map<string, MapEntry>();
  const section = field(root, 'default');
  if (section && section.value.kind !== 'map') {
    invalidValue(reading, section.value.span, `\`default\` must be a map, not ${kindOf(section.value)}`);
  }
  for (const key of defaultKeys) {
    const entry = section && field(section.value, key);
    if (entry) entries.set(key, entry);
  }
  for (const key of globalDefaultKeys) {
    const entry = field(root, key);
    if (entry === undefined) continue;
    const other = entries.get(key);
    if (other) {
      reading.report({
        code: 'gitlab/default-twice',
        severity: 'error',
        message: `\`${key}\` stands both at the top level and in \`default\``,
        span: entry.keySpan,
        hint: 'keep the one in `default`; the one at the top level is deprecated',
        related: [{ message: 'the other one', span: other.keySpan }],
      });
    }
    entries.set(key, other ?? entry);
  }
  return entries;
}

/** What a job takes from the top level. */
export function readInherit(job: MapNode, reading: Reading): Inherit {
  return take(job, inherit, reading) ?? inheritAll;
}

/** The job with the defaults that it does not set itself; a job's own value replaces the default, nothing is merged. */
export function applyDefaults(
  job: MapNode,
  defaults: ReadonlyMap<string, MapEntry>,
  wanted: Inherit['default'],
): MapNode {
  if (defaults.size === 0 || wanted === false || job.entries.has('trigger')) return job;
  const entries = new Map(job.entries);
  for (const entry of defaults.values()) {
    if (wanted !== true && !wanted.includes(entry.key)) continue;
    // It belongs to the script: a job without one has nothing that it could stand before.
    if (entry.key === 'before_script' && !entries.has('script')) continue;
    const own = entries.get(entry.key);
    if (own === undefined || isAbsent(own.value)) entries.set(entry.key, entry);
  }
  return { ...job, entries };
}
