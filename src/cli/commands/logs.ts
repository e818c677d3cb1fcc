import { createReadStream, existsSync } from 'node:fs';
import { resolveColor } from '../../reporters/color.ts';
import { stripColors } from '../../reporters/terminal-text.ts';
import { exitCodes } from '../exit-code.ts';
import { chooseJobs, findRun, type RunChoice } from '../find-run.ts';
import { type Invocation, print, printLines, printMessage } from '../invocation.ts';
import type { FileOptions } from '../options.ts';

/** Options of `ci logs`: whose output, and whether its colours stay. */
export type LogsOptions = RunChoice & Pick<FileOptions, 'color'>;

/** `ci logs [JOB]`: full logs of the last run, or of `--run ID`. */
export async function logs(invocation: Invocation, [job]: readonly string[], options: LogsOptions): Promise<number> {
  const stored = await findRun(invocation, options);
  const ids = chooseJobs(stored, job);
  const { env, stdout } = invocation;
  const color = resolveColor({ flag: options.color ?? 'auto', env, isTTY: stdout.isTty });
  for (const id of ids) {
    const path = stored.state.jobs[id]!.logPath;
    if (ids.length > 1) await printLines(stdout, [`==> ${id} <==`]);
    if (existsSync(path)) await copy(invocation, path, color);
    else await printMessage(invocation, `${id} has no log: it did not run`);
  }
  return exitCodes.ok;
}

async function copy(invocation: Invocation, path: string, color: boolean): Promise<void> {
  const chunks = color ? createReadStream(path) : withoutColors(createReadStream(path, 'utf8'));
  for await (const chunk of chunks) {
    if (invocation.outputLost.aborted) return;
    await print(invocation.stdout, chunk);
  }
}

/** Escape sequences never cross a line, so whole lines are looked at; a very long line goes on in parts. */
async function* withoutColors(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + chunk;
    const end = text.lastIndexOf('\n') + 1 || (text.length > 1_000_000 ? text.length : 0);
    rest = text.slice(end);
    if (end > 0) yield stripColors(text.slice(0, end));
  }
  if (rest !== '') yield stripColors(rest);
}
