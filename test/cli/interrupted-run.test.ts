import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSameProcessAlive, processIdentity } from '../../src/util/process-identity.ts';
import { killWithReaper } from '../support/reaper.ts';
import { plainEnvironment, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const realGit = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();

/** Directory of the project's runs below `CI_CLI_HOME`. */
function runsOf(project: TemporaryProject): string {
  const projects = join(project.home, 'state', 'projects');
  return join(projects, readdirSync(projects)[0]!, 'runs');
}

function stateOf(project: TemporaryProject, id: string): Record<string, never> {
  return JSON.parse(readFileSync(join(runsOf(project), id, 'run.json'), 'utf8'));
}

async function appears(path: string): Promise<void> {
  while (!existsSync(path) || readFileSync(path, 'utf8') === '') {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const ci = (project: TemporaryProject, args: readonly string[], env: Record<string, string> = {}) =>
  runCi(args, { cwd: project.root, home: project.home, env });

describe('ci run --watch', () => {
  it('runs again for a change, and not for what runs write', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "one: { script: ['cat a.txt'] }\n", 'a.txt': 'first' });
    const binary = new URL('../../bin/ci.js', import.meta.url).pathname;
    const args = ['run', '--watch', '--reporter', 'json', '--report', 'junit=report.xml', '--artifacts-dir', 'out'];
    const child = spawn(process.execPath, [binary, ...args], {
      cwd: project.root,
      env: { ...plainEnvironment(project.home), CI_CLI_HOME: join(project.root, 'own') },
    });
    let [stdout, waits] = ['', 0];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (!text.includes('waiting for a change')) return;
      waits++;
      // Long after a run that its own files had begun would have come.
      if (waits === 1) setTimeout(() => project.write('a.txt', 'second'), 1000);
      else setTimeout(() => child.kill('SIGINT'), 1000);
    });
    const [exitCode] = await once(child, 'close');
    expect(exitCode).toBe(130);
    expect(existsSync(join(project.root, 'report.xml'))).toBe(true);
    expect(waits).toBe(2);
    const ends = readEvents(stdout).filter(({ type }) => type === 'pipeline-finished');
    expect(ends).toHaveLength(2);
  });
});

describe('a run that does not come to its end', () => {
  it('ends as canceled when the signal comes while the tree is copied', async () => {
    const files = Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`f${n}.txt`, `${n}`]));
    using project = temporaryProject({ ...files, '.gitlab-ci.yml': "one: { script: ['true'] }\n" });
    const bin = join(project.home, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'git'),
      // Git is asked before the run begins, and shells may stand between it and who asks.
      `#!/bin/sh
case "$*" in *--others*)
  n=0
  until ls ${project.home}/state/projects/*/runs/1/events.ndjson || [ $((n += 1)) -gt 1000 ]; do sleep 0.01; done >/dev/null 2>&1
  p=$PPID
  while [ "$p" -gt 1 ] && [ "$(cat /proc/$p/comm)" != node ]; do p=$(awk '/^PPid/ { print $2 }' /proc/$p/status); done
  kill -INT "$p" ;;
esac
exec ${realGit} "$@"
`,
    );
    chmodSync(join(bin, 'git'), 0o755);
    const path = `${bin}:${process.env['PATH']}`;
    const result = await ci(project, ['run', '--reporter', 'json'], { PATH: path });
    expect(result.stderr).not.toContain('bug');
    expect(result.exitCode).toBe(130);
    const finished = readEvents(result.stdout).find(({ type }) => type === 'pipeline-finished');
    expect(finished).toMatchObject({ status: 'canceled', jobs: { one: { status: 'canceled' } } });
  });

  it('still knows what was done before when `--failed` is killed', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
stages: [a, b]
build: { stage: a, script: ['echo x > out.txt'], artifacts: { paths: [out.txt] } }
test: { stage: b, script: ['test -e "$FLAG" || exit 1', 'echo $$ > "$FLAG.job"', 'sleep 20'] }
`,
    });
    const flag = join(project.home, 'flag');
    await ci(project, ['run', '--var', `FLAG=${flag}`]);
    writeFileSync(flag, '');
    const binary = new URL('../../bin/ci.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [binary, 'run', '--failed', '--var', `FLAG=${flag}`], {
      cwd: project.root,
      env: plainEnvironment(project.home),
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    await appears(`${flag}.job`);
    killWithReaper(child.pid!);
    expect((await ended)[1]).toBe('SIGKILL');
    const { jobs } = stateOf(project, '2') as unknown as { jobs: Record<string, { artifacts: { path: string }[] }> };
    expect(Object.keys(jobs)).toEqual(['build']);
    expect(jobs['build']!.artifacts[0]!.path).toContain(join('runs', '2', 'artifacts'));

    // The killed run's job and its directory go with the next run.
    const job = Number(readFileSync(`${flag}.job`, 'utf8'));
    expect(processIdentity(job)).toBeDefined();
    const left = join(runsOf(project), '2', 'workspaces');
    expect(existsSync(left)).toBe(true);
    rmSync(flag);
    const third = await ci(project, ['run', '--failed', '--reporter', 'json', '--var', `FLAG=${flag}`]);
    const planned = readEvents(third.stdout).find(({ type }) => type === 'pipeline-planned');
    expect(planned).toMatchObject({ jobs: [{ id: 'test' }] });
    expect(existsSync(left)).toBe(false);
    const orphan = processIdentity(job);
    expect(orphan === undefined || !isSameProcessAlive(orphan)).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')('leaves nothing of a job in the shell when it is killed', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
job: { script: ['(setsid sh -c "trap : TERM; echo \\$\\$ > $FLAG.stray; sleep 1000; sleep 1000" &)', 'echo $$ > "$FLAG.job"', 'sleep 1000'] }
`,
    });
    const flag = join(project.home, 'flag');
    const binary = new URL('../../bin/ci.js', import.meta.url).pathname;
    const args = ['run', '--isolation', 'overlay', '--var', `FLAG=${flag}`];
    const child = spawn(process.execPath, [binary, ...args], {
      cwd: project.root,
      env: plainEnvironment(project.home),
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    for (const name of ['job', 'stray']) await appears(`${flag}.${name}`);
    const jobs = ['job', 'stray'].map((name) => processIdentity(Number(readFileSync(`${flag}.${name}`, 'utf8')))!);
    const left = (): readonly unknown[] => [
      ...jobs.filter((job) => isSameProcessAlive(job)),
      ...readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(project.home)),
      ...[join(runsOf(project), '1', 'workspaces')].filter((path) => existsSync(path)),
    ];
    expect(left().length).toBeGreaterThanOrEqual(3);
    child.kill('SIGKILL');
    await ended;
    const until = Date.now() + 10_000;
    while (left().length > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(left()).toEqual([]);
  });

  it('keeps the last 20 runs of a project and caches up to their cap', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "one: { script: ['true'] }\n" });
    await ci(project, ['run']);
    const runs = runsOf(project);
    for (let id = 2; id <= 23; id++) {
      mkdirSync(join(runs, String(id)));
      writeFileSync(join(runs, String(id), 'run.json'), readFileSync(join(runs, '1', 'run.json')));
    }
    writeFileSync(join(runs, '.last'), '23');
    mkdirSync(join(runs, '.removing-7-999999999', 'logs'), { recursive: true });
    // Two caches that say to hold 3 GiB each: the older one has to go.
    const caches = join(project.home, 'cache', 'caches', 'some-project');
    for (const [name, age] of [
      ['a'.repeat(64), 1000],
      ['b'.repeat(64), 10],
    ] as const) {
      mkdirSync(join(caches, name, 'v-00', 'files'), { recursive: true });
      const pointer = { version: 'v-00', key: name, savedAtMs: 0, files: 1, totalBytes: 3 * 2 ** 30, fingerprint: '' };
      writeFileSync(join(caches, name, 'current'), JSON.stringify(pointer));
      writeFileSync(join(caches, name, 'used'), '');
      utimesSync(join(caches, name, 'used'), Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    const result = await ci(project, ['run']);
    expect(result.exitCode).toBe(0);
    const kept = readdirSync(runs).filter((name) => name !== '.last');
    expect(kept.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 5));
    expect(readdirSync(caches)).toEqual(['b'.repeat(64)]);
  });

  it.skipIf(process.getuid?.() !== 0)('ends as its jobs do when a directory of theirs can not be removed', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `one: { script: ['touch "$MEET/here"; pwd > "$MEET/where"; while [ ! -e "$MEET/go" ]; do sleep 0.05; done'] }\n`,
    });
    const nobody = 65534;
    const meet = join(project.home, 'meet');
    mkdirSync(meet);
    execFileSync('chown', ['-R', String(nobody), join(project.home, '..')]);
    chownSync(join(project.home, '..'), nobody, nobody);
    const binary = new URL('../../bin/ci.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [binary, 'run', '--var', `MEET=${meet}`], {
      cwd: project.root,
      env: { ...plainEnvironment(project.home), HOME: project.home },
      uid: nobody,
      gid: nobody,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.resume();
    const left = once(child, 'exit');
    while (!existsSync(join(meet, 'here')) || readFileSync(join(meet, 'where'), 'utf8') === '') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(child.exitCode, stderr).toBeNull();
    }
    const foreign = join(readFileSync(join(meet, 'where'), 'utf8').trim(), 'of-root');
    mkdirSync(foreign, { mode: 0o700 });
    writeFileSync(join(foreign, 'file'), '');
    writeFileSync(join(meet, 'go'), '');
    const [exitCode] = await left;
    expect(stderr).toContain("a job's directory could not be removed");
    expect(exitCode, stderr).toBe(0);
  });
});
