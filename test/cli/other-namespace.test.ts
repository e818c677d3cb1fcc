import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { plainEnvironment } from '../support/run-ci.ts';
import { outputOf, workspacesOf } from '../support/running-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));
/** As in a container: pids of its own, and its processes end with the first of them. */
const container = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const canUnshare = (() => {
  try {
    execFileSync(container[0]!, [...container.slice(1), 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
/** Only who sees all processes knows of those in containers. */
const seesAll = canUnshare && readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';

/** The command line of `ci`, seen from here or from a container that has the same files. */
const ciIn = (where: 'here' | 'container'): readonly string[] => [
  ...(where === 'here' ? [] : container),
  process.execPath,
  binary,
];

function start(project: TemporaryProject, [file, ...words]: readonly string[], args: readonly string[]) {
  const settings = { cwd: project.root, env: plainEnvironment(project.home) };
  return spawn(file!, [...words, ...args], { ...settings, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ci(project: TemporaryProject, where: 'here' | 'container', args: readonly string[]): Promise<string> {
  const child = start(project, ciIn(where), args);
  const output = outputOf(child);
  await once(child, 'close');
  return output.text();
}

const shellsOf = ({ home }: TemporaryProject): readonly string[] =>
  readdirSync(join(home, 'state/projects')).flatMap((key) => {
    const shells = join(home, 'state/projects', key, 'shells');
    return existsSync(shells) ? readdirSync(shells) : [];
  });

const pipeline = {
  sleeping: { resource_group: 'one at a time', script: ['echo now-sleeping', 'sleep 1000'] },
  short: { script: ['true'] },
};

describe.skipIf(!canUnshare)('a state directory that containers share', () => {
  it('keeps the run of a living process that can not be seen', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': JSON.stringify(pipeline) });
    const run = start(project, ciIn('here'), ['run', 'sleeping', '--reporter', 'json']);
    const shell = start(project, ciIn('here'), ['shell', 'short', '-c', 'echo now-inside; sleep 1000']);
    await Promise.all([outputOf(run).says('now-sleeping\\n'), outputOf(shell).says('now-inside')]);
    const before = workspacesOf(project);
    expect(before).toHaveLength(1);
    await ci(project, 'container', ['clean']);
    await ci(project, 'container', ['clean', '--all']);
    await ci(project, 'container', ['run', 'short']);
    expect(workspacesOf(project)).toEqual(before);
    expect(shellsOf(project)).toHaveLength(1);
    expect(await ci(project, 'container', ['runs'])).toMatch(/running/);
    expect(await ci(project, 'container', ['doctor'])).toMatch(/locks +held by what can't be seen from here.*one at a/);
    for (const child of [run, shell]) {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
    }
    expect(workspacesOf(project)).toEqual([]);
  });

  it.skipIf(!seesAll)('is cleaned from outside of what killed containers left, and of no more', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': JSON.stringify(pipeline) });
    const run = start(project, ciIn('container'), ['run', 'sleeping', '--reporter', 'json']);
    await outputOf(run).says('now-sleeping\\n');
    const before = workspacesOf(project);
    await ci(project, 'here', ['clean']);
    expect(workspacesOf(project)).toEqual(before);
    expect(await ci(project, 'here', ['runs'])).toMatch(/running/);
    expect(await ci(project, 'here', ['doctor'])).toMatch(/locks +held by runs under way.*one at a/);
    const ended = once(run, 'exit');
    run.kill('SIGKILL');
    await ended;
    expect(await ci(project, 'here', ['doctor'])).toMatch(/locks +left by killed runs.*one at a/);
    expect(await ci(project, 'here', ['clean'])).toContain(before[0]!);
    expect(workspacesOf(project)).toEqual([]);
  });
});
