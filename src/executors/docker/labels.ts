import type { JobSpec } from '../../model/job-spec.ts';
import { type Owner, thisOwner } from '../../util/process-owner.ts';

/** Everything that we make at an engine carries these labels, so that it can be found after a crash. */
export const labelPrefix = 'dev.pipewright.';

/**
 * Start of the names of containers that the user wants to keep, with their networks and services. Labels can't be
 * changed once a container is there; names can.
 */
export const keptPrefix = 'ci-kept-';

/** What an object of ours at an engine is for. */
export type ObjectType = 'build' | 'service' | 'network' | 'files';

/** Labels of one object: whose it is, and by which process on which machine it was made. */
export function labelsFor(job: JobSpec, type: ObjectType): Record<string, string> {
  return {
    [`${labelPrefix}managed`]: 'true',
    [`${labelPrefix}type`]: type,
    [`${labelPrefix}run`]: job.runId,
    [`${labelPrefix}job`]: job.id,
    ...ownerLabels(thisOwner()),
  };
}

/** The part of the labels that names the process. */
export function ownerLabels(owner: Owner): Record<string, string> {
  const { host, machine, boot, namespace, pid, started } = owner;
  const labels = { host, machine, boot, namespace, pid: String(pid), started };
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [labelPrefix + name, value]));
}

/** Who made an object with these labels. */
export function ownerOf(labels: Readonly<Record<string, string>>): Owner {
  const label = (name: string): string => labels[labelPrefix + name] ?? '';
  return {
    host: label('host'),
    machine: label('machine'),
    boot: label('boot'),
    namespace: label('namespace'),
    pid: Number(label('pid')),
    started: label('started'),
  };
}
