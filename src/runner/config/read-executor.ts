import { isKnownExecutor, knownExecutors } from './known-executors.ts';
import type { TomlFields } from './toml-fields.ts';

/** Their tables below `[[runners]]`. */
const elsewhere: readonly string[] = [
  'kubernetes',
  'machine',
  'custom',
  'parallels',
  'virtualbox',
  'instance',
  'autoscaler',
];

/** They start machines for jobs, and end them. */
const scaling = /\+machine$|^docker-autoscaler$|^instance$/;

/** Reads which executor runs the jobs. A runner with one that is not here takes none; the others of the file do. */
export function readExecutor(fields: TomlFields): string {
  const executor = fields.text('executor') ?? '';
  if (isKnownExecutor(executor)) fields.unused(elsewhere, `does nothing: the executor of this runner is ${executor}`);
  else {
    fields.passOver(elsewhere);
    fields.problem(
      'executor',
      'warning',
      `${problemOf(executor)}; no jobs are asked for until it is one of ${knownExecutors.join(', ')}`,
    );
  }
  return executor;
}

function problemOf(executor: string): string {
  if (executor === '') return 'is missing';
  if (scaling.test(executor)) {
    return `is "${executor}": no machines are made on demand here`;
  }
  return `is "${executor}", which is not supported`;
}
