import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import type { JobBody } from './job-steps.ts';
import { take } from './keyword.ts';
import { type RunSteps, run } from './keywords/run.ts';
import { script } from './keywords/script.ts';
import { notRunYet, type Reading } from './reading.ts';
import { field } from './values.ts';
import type { JobText, Vocabulary } from './vocabulary.ts';

/** What the job does: its script, the dialect's own steps; or why nothing can be run. */
export function jobBody(entry: MapEntry, job: JobText, vocabulary: Vocabulary): JobBody {
  const own = vocabulary.readSteps(job);
  if (own) return { kind: 'own', steps: own };
  const { node, reading } = job;
  const commands = take(node, script, reading);
  if (commands !== undefined && !isBlank(node, commands)) return { kind: 'script' };
  if (field(node, 'run')) return runBody(job, take(node, run, reading));
  const written = node.entries.get('script');
  if (written === undefined) reportMissing(entry, reading);
  // Where references lead nowhere, that was told already.
  else if (!holdsReference(written.value)) {
    reading.report({
      code: 'gitlab/empty-script',
      severity: 'error',
      message: `the script of \`${entry.key}\` has no commands`,
      span: written.value.span,
      hint: 'write at least one command, or start the name with a dot if it is a template for other jobs',
    });
  }
  return unreadable(entry.key);
}

function runBody({ name, node, reading }: JobText, steps: RunSteps | undefined): JobBody {
  const before = field(node, 'before_script');
  if (before) notRunYet(reading, before.keySpan, 'before_script', 'it has no part in a job with `run`');
  if (steps === undefined) return unreadable(name);
  return 'kind' in steps ? { kind: 'unable', refusal: steps } : { kind: 'run', steps };
}

function unreadable(name: string): JobBody {
  const message = `no commands of ${name} could be read`;
  const reason = 'runner_unsupported';
  return { kind: 'unable', refusal: { kind: 'refuse', phase: 'prepare', when: 'on_success', reason, message } };
}

function reportMissing(entry: MapEntry, reading: Reading): void {
  reading.report({
    code: 'gitlab/missing-script',
    severity: reading.incomplete ? 'warning' : 'error',
    message: `the job \`${entry.key}\` has neither \`script\` nor \`trigger\``,
    span: entry.keySpan,
    hint: reading.incomplete
      ? 'it may stand in an include that is not read'
      : 'start the name with a dot if it is a template for other jobs',
  });
}

/** A list counts as something to do even where its texts are empty, as on GitLab; a single text does not. */
function isBlank(node: MapNode, commands: readonly string[]): boolean {
  const isList = field(node, 'script')?.value.kind === 'seq';
  return isList ? commands.length === 0 : commands.every((command) => command.trim() === '');
}

function holdsReference(node: Node): boolean {
  return node.kind === 'reference' || (node.kind === 'seq' && node.items.some(holdsReference));
}
