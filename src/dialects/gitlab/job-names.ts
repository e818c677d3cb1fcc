import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { globalKeys } from './keywords/default.ts';
import type { Reading } from './reading.ts';

const longestName = 255;
/** Source: https://docs.gitlab.com/ci/jobs/#job-names */
const reservedNames: ReadonlySet<string> = new Set(['true', 'false', 'nil', 'pages:deploy']);

/** The top level, taken apart; hidden entries (templates) are dropped. */
export interface TopLevel {
  readonly global: MapNode;
  readonly jobs: readonly MapEntry[];
}

/** Tells keywords from jobs by their names. */
export function splitTopLevel(root: MapNode, reading: Reading): TopLevel {
  const global = new Map<string, MapEntry>();
  const jobs: MapEntry[] = [];
  for (const entry of root.entries.values()) {
    if (!globalKeys.has(entry.key)) {
      if (!entry.key.startsWith('.')) jobs.push(entry);
    } else if (entry.key !== 'default' && entry.value.kind === 'map' && entry.value.entries.has('script')) {
      reportReserved(entry, reading);
    } else global.set(entry.key, entry);
  }
  return { global: { ...root, entries: global }, jobs };
}

/** Length and reserved names. */
export function checkJobName(entry: MapEntry, reading: Reading): void {
  if (reservedNames.has(entry.key)) reportReserved(entry, reading);
  const problem =
    entry.key.trim() === ''
      ? 'the name of a job may not be empty'
      : entry.key.length > longestName
        ? `the name of a job may have ${longestName} characters at most, this one has ${entry.key.length}`
        : undefined;
  if (problem === undefined) return;
  reading.report({ code: 'gitlab/job-name', severity: 'error', message: problem, span: entry.keySpan });
}

function reportReserved(entry: MapEntry, reading: Reading): void {
  reading.report({
    code: 'gitlab/reserved-job-name',
    severity: 'error',
    message: `\`${entry.key}\` is a reserved name and can't be a job's`,
    span: entry.keySpan,
  });
}
