import type { Report } from '../../diagnostics/diagnostic.ts';
import { type MapEntry, type MapNode, withoutKeys } from '../../syntax/node.ts';
import { globalKeys } from '../gitlab/keywords/default.ts';
import { isAbsent } from '../gitlab/merge.ts';

/** What makes a map a job of the name `jobs` rather than a map of jobs. */
const jobKeys: readonly string[] = ['script', 'steps', 'trigger', 'extends', 'stage', 'image'];

/** Brings one `.ci.yml` into GitLab's shape: what stands under `jobs:` moves to the top level. */
export function normalise(file: MapNode, report: Report): MapNode {
  const section = file.entries.get('jobs');
  if (section === undefined) return file;
  if (isAbsent(section.value)) return withoutKeys(file, new Set(['jobs']));
  if (section.value.kind !== 'map' || isJob(section.value)) return file;
  // In the place of the section, so that jobs keep the order of the file.
  const entries = new Map<string, MapEntry>();
  for (const entry of file.entries.values()) {
    if (entry !== section) {
      entries.set(entry.key, entry);
      continue;
    }
    for (const job of section.value.entries.values()) {
      const other = job.key === 'jobs' ? undefined : file.entries.get(job.key);
      if (globalKeys.has(job.key)) reportReserved(job, report);
      else if (other) reportDuplicate(job, other, report);
      else entries.set(job.key, job);
    }
  }
  return { ...file, entries };
}

function isJob(node: MapNode): boolean {
  return jobKeys.some((key) => {
    const value = node.entries.get(key)?.value;
    return value !== undefined && value.kind !== 'map';
  });
}

function reportReserved(job: MapEntry, report: Report): void {
  report({
    code: 'gitlab/reserved-job-name',
    severity: 'error',
    message: `\`${job.key}\` is a reserved name and can't be a job's`,
    span: job.keySpan,
  });
}

function reportDuplicate(job: MapEntry, other: MapEntry, report: Report): void {
  report({
    code: 'ci/duplicate-job',
    severity: 'error',
    message: `the job \`${job.key}\` stands both at the top level and under \`jobs\``,
    span: job.keySpan,
    related: [{ message: 'the other one', span: other.keySpan }],
  });
}
