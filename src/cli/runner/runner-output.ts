import type { RunnerLog, RunnerLogFields, RunnerLogLevel } from '../../runner/runner-log.ts';
import { type Invocation, print, printLines } from '../invocation.ts';

const order: readonly RunnerLogLevel[] = ['debug', 'info', 'warning', 'error'];

/** How the runner's own log looks. */
export interface RunnerOutput {
  readonly format: 'runner' | 'text' | 'json';
  /** GitLab Runner's words; `warn`, `fatal` and `panic` too. */
  readonly level: string | undefined;
  readonly now: () => number;
}

/** Writes the runner's own log to stderr, a line each. */
export function runnerOutput(invocation: Invocation, { format, level, now }: RunnerOutput): RunnerLog {
  const least = order.indexOf(levelOf(level));
  return (at, message, fields = {}) => {
    if (order.indexOf(at) < least) return;
    const text = lineOf(format, { at, message, fields, time: new Date(now()).toISOString() });
    void (format === 'json' ? print(invocation.stderr, `${text}\n`) : printLines(invocation.stderr, text.split('\n')));
  };
}

function levelOf(written: string | undefined): RunnerLogLevel {
  if (written === 'debug') return 'debug';
  if (written === 'warn' || written === 'warning') return 'warning';
  return written === 'error' || written === 'fatal' || written === 'panic' ? 'error' : 'info';
}

interface Line {
  readonly at: RunnerLogLevel;
  readonly message: string;
  readonly fields: RunnerLogFields;
  readonly time: string;
}

function lineOf(format: RunnerOutput['format'], { at, message, fields, time }: Line): string {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  if (format === 'json') return JSON.stringify({ ...Object.fromEntries(known), level: at, msg: message, time });
  const pairs = known.map(([name, value]) => `${name}=${quoted(value)}`).join(' ');
  if (format === 'text')
    return `time=${time} level=${at} msg=${JSON.stringify(message)}${pairs === '' ? '' : ` ${pairs}`}`;
  const word = at === 'info' ? '' : `${at.toUpperCase()}: `;
  return `${word}${message}${pairs === '' ? '' : `  ${pairs}`}`;
}

function quoted(value: unknown): string {
  const text = String(value);
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text);
}
