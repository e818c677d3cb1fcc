import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);

function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Feeds the next events at each SIGUSR2, closes after the last; Ctrl-C as the composition root has it. */
const program = `
import { createReporter } from './src/reporters/index.ts';
import { streamOutput } from './src/reporters/output.ts';
import { ordinaryRun, t0 } from './test/reporters/recorded.ts';
const output = streamOutput(process.stdout);
const clock = { now: () => t0 + 2000, sleep: (ms, signal) => new Promise((resolve) => {
  setTimeout(resolve, 20); signal?.addEventListener('abort', resolve, { once: true }); }) };
const reporter = await createReporter('tree', { output, clock, color: true, verbosity: 'normal', env: {} });
const feed = (from, to) => { for (const event of ordinaryRun.slice(from, to)) reporter.on(event); };
const alive = setInterval(() => {}, 1000);
let step = 0;
process.on('SIGINT', () => { reporter.abort(); process.exit(130); });
process.on('SIGUSR2', async () => {
  if (step++ === 0) return feed(8, 18);
  feed(18);
  await reporter.close();
  clearInterval(alive);
});
process.stdout.write('pid ' + process.pid + ' ready\\n');
feed(0, 8);
`;

describe.skipIf(!hasTmux())('the tree on a real terminal', () => {
  let directory: string;
  let number = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tree-'));
    await build({
      stdin: { contents: program, resolveDir: join(import.meta.dirname, '../..'), loader: 'js' },
      ...{ bundle: true, platform: 'node', format: 'esm', outfile: join(directory, 'program.mjs'), logLevel: 'error' },
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** A terminal of its own server, so that nothing of the user's tmux is touched. */
  async function terminal(columns: number, rows: number) {
    const socket = join(directory, `socket-${number++}`);
    const tmux = async (...args: string[]): Promise<string> => (await run('tmux', ['-S', socket, ...args])).stdout;
    // `cat` keeps the terminal open after the program, as a shell would.
    const command = `trap : INT; "${process.execPath}" "${join(directory, 'program.mjs')}"; echo "ended $?"; exec cat`;
    const size = ['-x', String(columns), '-y', String(rows)];
    await tmux('-f', '/dev/null', 'new-session', '-d', ...size, `exec sh -c '${command}'`);
    const screen = (): Promise<string> => tmux('capture-pane', '-p', '-S', '-200');
    return {
      screen,
      async until(text: string): Promise<string> {
        const deadline = Date.now() + 30_000;
        for (;;) {
          const shown = await screen();
          if (shown.includes(text)) return shown;
          if (Date.now() > deadline) throw new Error(`"${text}" did not appear:\n${shown}`);
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
      },
      next: async (): Promise<void> => {
        process.kill(Number(/pid (\d+) ready/.exec(await screen())![1]), 'SIGUSR2');
      },
      interrupt: () => tmux('send-keys', 'C-c'),
      cursor: async (): Promise<string> => (await tmux('display', '-p', '#{cursor_flag}')).trim(),
      end: () => tmux('kill-server').catch(() => ''),
    };
  }

  it('draws in place and leaves the summary and a cursor', async () => {
    const shell = await terminal(72, 18);
    try {
      const first = await shell.until('compil');
      expect(first).toContain('0 of 5 jobs done, 2 running');
      expect(await shell.cursor()).toBe('0');
      await shell.next();
      const second = await shell.until('2 of 5 jobs done');
      expect(second).not.toContain('0 of 5 jobs done');
      expect(second.match(/^ {2}\S unit: \[18\]/gm)).toHaveLength(1);
      await shell.next();
      const end = await shell.until('ended 0');
      expect(end).toContain('pipeline failed: 1 of 5 jobs failed');
      expect(end).not.toContain('jobs done');
      expect(await shell.cursor()).toBe('1');
    } finally {
      await shell.end();
    }
  });

  it('is sane after Ctrl-C', async () => {
    const shell = await terminal(72, 18);
    try {
      await shell.until('compil');
      await shell.interrupt();
      const end = await shell.until('ended 130');
      expect(end).not.toContain('jobs done');
      expect(await shell.cursor()).toBe('1');
    } finally {
      await shell.end();
    }
  });

  it('fits on a terminal that is too small for all jobs', async () => {
    const shell = await terminal(30, 7);
    try {
      await shell.until('0 of 5 jobs done');
      // A frame that did not fit would have scrolled and left its upper lines behind.
      await shell.next();
      const shown = await shell.until('2 of 5 jobs done');
      expect(shown.match(/jobs done/g)).toHaveLength(1);
    } finally {
      await shell.end();
    }
  });
});
