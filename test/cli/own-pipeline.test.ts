import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it("runs every job of the repository's own pipeline but the tests", { timeout: 600_000 }, async () => {
  const base = mkdtempSync(join(tmpdir(), 'ci-own-'));
  try {
    const checkout = join(base, 'checkout');
    const files = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    }).split('\0');
    for (const file of files.filter((path) => path !== ''))
      cpSync(join(root, file), join(checkout, file), { verbatimSymlinks: true });
    for (const args of [
      ['init', '-q', '-b', 'main'],
      ['add', '-A'],
      ['-c', 'user.name=t', '-c', 'user.email=t@example.test', 'commit', '-qm', 'x'],
    ]) {
      execFileSync('git', args, { cwd: checkout });
    }
    const result = await runCi(['run', '--reporter', 'json', 'install', 'lint', 'types', 'build'], {
      cwd: checkout,
      home: join(base, 'home'),
    });
    const finished = readEvents(result.stdout).find((event) => event.type === 'pipeline-finished');
    const jobs = (finished?.['jobs'] ?? {}) as Record<string, { status: string }>;
    expect(result.exitCode, result.stdout.slice(-5000) + result.stderr).toBe(0);
    expect(
      Object.entries(jobs)
        .map(([id, { status }]) => `${id} ${status}`)
        .sort(),
    ).toEqual(['build success', 'install success', 'lint success', 'types success']);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
