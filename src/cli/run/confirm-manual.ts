import { createInterface } from 'node:readline';
import type { Plan } from '../../model/plan.ts';
import { stripAnsi } from '../../reporters/terminal-text.ts';
import { type Invocation, print } from '../invocation.ts';

interface Question {
  readonly job: string;
  readonly text: string;
}

/**
 * Asks what `manual_confirmation` of the jobs says that somebody starts by hand.
 * @param how `ask`: as far as there is somebody to ask. `yes`: all is answered.
 * @returns the job that was not confirmed; undefined: go on. Without a terminal the questions are shown, and that is all.
 */
export async function confirmManual(
  invocation: Invocation,
  plan: Plan,
  how: 'ask' | 'yes',
): Promise<string | undefined> {
  if (how === 'yes') return undefined;
  for (const { job, text } of questions(plan)) {
    const question = stripAnsi(`${job}: ${text}`);
    if (!invocation.stdinIsTty || !invocation.stderr.isTty) {
      await print(invocation.stderr, `ci: ${question} (not asked: there is no terminal)\n`);
    } else if (!(await isConfirmed(invocation, question))) return job;
  }
  return undefined;
}

/** One for each job of the file, however many legs it has. */
function questions({ nodes, decisions }: Plan): readonly Question[] {
  const manual = new Set(decisions.filter(({ when }) => when === 'manual').map(({ name }) => name));
  const found = new Map<string, Question>();
  for (const { group, when, definition } of nodes) {
    const text = definition.manualConfirmation?.trim() ?? '';
    if (when !== 'manual' && manual.has(group) && text !== '') found.set(group, { job: group, text });
  }
  return [...found.values()];
}

/** Anything but yes is no, the end of the input too. Not as a terminal of its own: so Ctrl-C stays the signal that it is. */
function isConfirmed({ stderr }: Invocation, question: string): Promise<boolean> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, terminal: false });
    let answer = '';
    lines.once('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.once('close', () => resolve(/^y(es)?$/i.test(answer.trim())));
    stderr.stream.write(`ci: ${question} [y/N] `);
  });
}
