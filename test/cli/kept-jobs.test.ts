import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { killWithReaper } from '../support/reaper.ts';
import { runCi } from '../support/run-ci.ts';
import { outputOf, startCi } from '../support/running-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const pipeline = JSON.stringify({
  broken: { script: ['touch left-by-it', 'exit 3'] },
  sleeping: { script: ['echo now-sleeping', 'sleep 1000'] },
});

/** Directories of jobs that are kept or were to be, by the paths of what the scripts made in them. */
function placesOf({ home }: TemporaryProject): readonly string[] {
  const projects = join(home, 'state/projects');
  return readdirSync(projects)
    .flatMap((key) => readdirSync(join(projects, key, 'runs')).map((id) => join(projects, key, 'runs', id, 'kept')))
    .flatMap((kept) => (existsSync(kept) ? readdirSync(kept).map((name) => join(kept, name)) : []))
    .filter((path) => !path.endsWith('.json'));
}

describe('a run that is killed and was to keep failed jobs', () => {
  it.each(['kill -9', 'kill -9 of its reaper too'])('keeps the failed ones alone: %s', async (how) => {
    using project = temporaryProject({ '.gitlab-ci.yml': pipeline });
    const run = startCi(project, ['-e', 'shell', '-j', '2', '--on-failure', 'keep'], {});
    const output = outputOf(run);
    await output.says('now-sleeping\\n');
    await output.says('to go in: ');
    await output.says('"job-finished"');
    expect(placesOf(project)).toHaveLength(3);
    const ended = once(run, 'exit');
    if (how === 'kill -9') run.kill('SIGKILL');
    else killWithReaper(run.pid!);
    await ended;
    const at = { cwd: project.root, home: project.home };
    if (how !== 'kill -9') {
      expect(placesOf(project)).toHaveLength(3);
      project.write('.gitlab-ci.yml', JSON.stringify({ next: { script: ['true'] } }));
      await runCi(['run', '-e', 'shell'], at);
    }
    await expect.poll(() => placesOf(project), { timeout: 10_000 }).toHaveLength(1);
    const enter = /kept of run 1: job broken, .*; to go in: (.*)/.exec((await runCi(['runs'], at)).stdout)?.[1];
    expect(existsSync(enter!)).toBe(true);
    expect(existsSync(join(enter!, '../../project/left-by-it'))).toBe(true);
    await runCi(['clean'], at);
    expect(placesOf(project)).toEqual([]);
    expect((await runCi(['runs'], at)).stdout).not.toContain('kept of run');
  });
});
