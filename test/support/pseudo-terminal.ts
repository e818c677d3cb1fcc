import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shellQuote } from '../../src/util/shell-quote.ts';
import { plainEnvironment } from './run-ci.ts';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));

/** Is there what gives a program a terminal? `script` of util-linux; other systems' takes other options. */
export const hasPseudoTerminal: boolean = (() => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
})();

export interface TerminalRun extends AsyncDisposable {
  /** Everything that was shown so far. */
  shown(): string;
  /** Resolves once the pattern is shown after what an earlier call has found. Rejects when the program ends before, or after 25 s. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
  /** Closes the terminal, as when its window is closed. */
  hangUp(): void;
  /** Resolves with the program's exit code, 128 + N for a signal. */
  readonly ended: Promise<number | null>;
}

/**
 * Runs `ci` in a terminal of 101 columns and 33 rows.
 * @param options.before shell commands that run before it in the same terminal.
 */
export function runInTerminal(
  args: readonly string[],
  options: { readonly cwd: string; readonly home: string; readonly before?: string },
): TerminalRun {
  const program = [process.execPath, binary, ...args].map(shellQuote).join(' ');
  const line = `stty cols 101 rows 33; ${options.before ?? ''} exec ${program}`;
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd: options.cwd,
    env: { ...plainEnvironment(options.home), TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  let seen = 0;
  let isOver = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    wake();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      isOver = true;
      wake();
      resolve(code);
    });
  });
  return {
    shown: () => text,
    ended,
    type: (typed) => void child.stdin.write(typed),
    hangUp: () => void child.kill('SIGKILL'),
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${pattern} does not come; shown: ${text}`)), 25_000);
        const look = (): void => {
          const found = pattern.exec(text.slice(seen));
          if (found === null && !isOver) return;
          waiting.delete(look);
          clearTimeout(timer);
          if (found === null) {
            reject(new Error(`ended without ${pattern}; shown: ${text}`));
            return;
          }
          seen += found.index + found[0].length;
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
