import type { Visit } from '../../executors/visit.ts';
import type { JobPlace } from '../../job/job-run.ts';
import { type Exit, SystemError } from '../../model/outcome.ts';
import { oneLine } from '../../reporters/terminal-text.ts';
import { signalNumberCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import type { OwnTerminal } from './user-terminal.ts';

/** How somebody comes into a job: at this terminal, or by our standard streams. */
export type Visitor = { readonly kind: 'terminal'; readonly terminal: OwnTerminal } | { readonly kind: 'streams' };

/**
 * Lets the visitor in and waits until he leaves. What a command prints to our streams is masked as in logs; a terminal
 * gets everything as it is.
 * @throws SystemError where there is no way in.
 */
export async function visitJob(
  place: JobPlace,
  visitor: Visitor,
  { invocation, command }: { readonly invocation: Invocation; readonly command?: string },
): Promise<Exit> {
  const { session, log } = place;
  if (session.enter === undefined) {
    throw new SystemError('runner_unsupported', 'this executor has no way into its jobs');
  }
  const by: Visit['by'] =
    visitor.kind === 'terminal'
      ? visitor
      : {
          kind: 'streams',
          ...(invocation.stdinIsTty ? {} : { input: () => process.stdin }),
          stdout: log.stdout,
          stderr: log.stderr,
        };
  const env = visitor.kind === 'terminal' ? { ...place.env, ...terminalVariables(place, invocation) } : place.env;
  const visit = { env, directory: place.directory, by, ...(command === undefined ? {} : { command }) };
  try {
    return await session.enter(visit, place.signal);
  } finally {
    await log.flush();
  }
}

/** What programs at a terminal look at, and a prompt that tells where one is. */
function terminalVariables({ spec, session }: JobPlace, { env }: Invocation): Record<string, string> {
  // A shell takes `$`, backquotes and backslashes in its prompt for its own.
  const job = oneLine(spec.id, { color: false }).replaceAll(/[^\w .:,/[\]()+=@#%-]/g, '?');
  return {
    ...(env['TERM'] === undefined ? {} : { TERM: env['TERM'] }),
    ...(env['COLORTERM'] === undefined ? {} : { COLORTERM: env['COLORTERM'] }),
    PS1: `[ci ${job}] ${session.shell === 'bash' ? '\\w' : ''}$ `,
    // What is typed here is not for the user's own history.
    HISTFILE: '',
  };
}

/** Where a visitor is, in words. */
export function whereabouts({ spec, directory }: JobPlace): string {
  const image = spec.image === undefined || spec.executor !== 'docker' ? 'on this machine' : `in ${spec.image.name}`;
  return oneLine(`job ${spec.id}, ${image}, directory ${directory}`, { color: false });
}

/** The exit code that tells how a shell ended, as shells do it. */
export function exitCodeOfShell(exit: Exit): number {
  switch (exit.kind) {
    case 'code':
      return exit.code;
    case 'signal':
      return signalNumberCode(exit.signal);
    case 'out-of-memory':
      return 137;
    case 'timeout':
      return 124;
  }
}
