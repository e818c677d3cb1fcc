import type { JobNode, Plan } from '../../model/plan.ts';
import { shellQuote } from '../../util/shell-quote.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { findPipeline, loadPipeline } from '../load-pipeline.ts';
import { planLoaded } from '../load-plan.ts';
import type { RunOptions } from '../options.ts';
import { runShell } from '../run/run-shell.ts';
import { userTerminal } from '../run/user-terminal.ts';
import type { Visitor } from '../run/visitor.ts';
import { withSettings } from '../settings.ts';

/** Options of `ci shell`: those of `ci run` that say how a job's place is made. */
export type ShellOptions = Omit<RunOptions, 'stage' | 'manual' | 'report'> & { readonly command?: string };

/** `ci shell JOB [-- CMD…]`: a shell, or one command, in the place of a job just before its script. */
export async function shell(
  invocation: Invocation,
  [job = '', ...words]: readonly string[],
  flags: ShellOptions,
): Promise<number> {
  const command = commandOf(words, flags.command);
  const visitor = visitorOf(invocation, command);
  const found = await findPipeline(invocation, flags);
  const options: RunOptions = withSettings({ ...flags, stage: [], manual: [], report: [] }, found.settings);
  const loaded = await loadPipeline(invocation, options, { found, fetch: options.offline ? 'never' : 'when-needed' });
  const alone = { ...options, needs: false };
  const { plan } = await planLoaded(invocation, loaded, [job], alone, { quiet: options.quiet ?? false });
  const node = onlyJob(plan, job);
  for (const notice of plan.notices) await printMessage(invocation, notice);
  return runShell(invocation, { loaded, plan, node, options, visitor, ...(command === undefined ? {} : { command }) });
}

function commandOf(words: readonly string[], text: string | undefined): string | undefined {
  if (words.length === 0) return text;
  if (text === undefined) return words.map(shellQuote).join(' ');
  throw new CommandError(exitCodes.usage, 'a command is given twice: by -c and after the job');
}

function visitorOf(invocation: Invocation, command: string | undefined): Visitor {
  const { stdinIsTty, stdout } = invocation;
  if (stdinIsTty && stdout.isTty) return { kind: 'terminal', terminal: userTerminal(invocation) };
  if (command === undefined && stdinIsTty) {
    throw new CommandError(
      exitCodes.usage,
      'a shell needs a terminal, and the output goes elsewhere',
      "one command does without: ci shell JOB -c 'COMMAND'",
    );
  }
  return { kind: 'streams' };
}

function onlyJob({ nodes }: Plan, job: string): JobNode {
  const [node, ...others] = nodes;
  if (node === undefined) throw new CommandError(exitCodes.usage, `no job matches \`${job}\``);
  if (others.length > 0) {
    const names = nodes.map(({ id }) => id).join(', ');
    throw new CommandError(exitCodes.usage, `\`${job}\` means ${nodes.length} jobs`, `name one of them: ${names}`);
  }
  if (node.kind !== 'job') {
    const what = node.kind === 'bridge' ? 'starts another pipeline' : 'waits for an approval';
    throw new CommandError(exitCodes.usage, `\`${job}\` has no place to look at: it ${what}`);
  }
  return node;
}
