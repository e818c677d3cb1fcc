import type { Emit, Event } from '../../model/event.ts';
import { streamOutput, type TerminalStream } from '../../reporters/output.ts';
import { keepColours, oneLine } from '../../reporters/terminal-text.ts';
import type { Invocation } from '../invocation.ts';

/** Where somebody who looks at a job sees what happens to it. */
export interface ShellScreen {
  readonly emit: Emit;
  /** Resolves when what was printed has mostly been taken. */
  ready(): Promise<void>;
}

/** What is seen of a job that somebody looks at: what a command prints, warnings, and all of the log with `-v`. */
export function shellScreen({ stdout, stderr }: Invocation, verbosity: 'normal' | 'verbose'): ShellScreen {
  const out = streamOutput(stdout.stream as TerminalStream);
  const messages = streamOutput(stderr.stream as TerminalStream);
  return {
    emit: (event: Event) => {
      if (event.type === 'warning' || event.type === 'notice') {
        messages.write(`ci: ${oneLine(event.message, { color: false })}\n`);
      }
      if (event.type !== 'job-output') return;
      if (event.stream === 'stdout') out.write(event.bytes);
      else if (event.stream === 'stderr' || verbosity === 'verbose' || event.level === 'warning') {
        messages.write(harmless(event.bytes));
      }
    },
    ready: async () => {
      await out.ready();
      await messages.ready();
    },
  };
}

/** Our own lines, which may hold words of an engine: colours, and nothing else that acts on a terminal. */
function harmless(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8').split('\n').map(keepColours).join('\n');
}
