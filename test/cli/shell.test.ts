import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { labelPrefix } from '../../src/executors/docker/labels.ts';
import { testEngine } from '../executors/support/engine.ts';
import { hasPseudoTerminal, runInTerminal } from '../support/pseudo-terminal.ts';
import { plainEnvironment, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));

const executors = (['shell', 'docker'] as const).map((executor) => ({
  executor,
  isMissing: executor === 'docker' && engine === undefined,
}));

let projects = 0;

/** Its jobs have names that no other test's have, so that what is left of them can be told. */
function shellProject(more = ''): TemporaryProject & { readonly job: string; readonly maker: string } {
  const tag = `${process.pid}-${++projects}`;
  const [job, maker] = [`look-${tag}`, `make-${tag}`];
  const project = temporaryProject({
    '.gitlab-ci.yml': `
stages: [first, second]
default: { image: ci-test/debian:latest }
variables: { GREETING: "hello $CI_JOB_NAME", QUOTED: "'\\"\`\\\\" }
${maker}:
  stage: first
  script: ['mkdir out', 'echo made > out/file', 'echo LEFT=over > vars.env']
  artifacts: { paths: [out/], reports: { dotenv: vars.env } }
${job}:
  stage: second
  cache: { key: c, paths: [cached/] }
  variables: { LONG: "${'long value with ü, '.repeat(400)}" }
  before_script: ['touch before']
  script: ['mkdir -p cached', 'echo kept > cached/file', 'echo output-of-the-script', 'cd out', 'touch here', 'exit 3']
  after_script: ['ls', 'echo "after: $CI_JOB_STATUS"']
${more}
`,
    'src.txt': 'source\n',
  });
  return { ...project, job, maker };
}

const shell = (project: TemporaryProject, args: readonly string[], env: Record<string, string> = {}) =>
  runCi(['shell', ...args], { cwd: project.root, home: project.home, env });

/** Names of what is left of a job at the engine, and of its directories. */
async function leftovers(project: TemporaryProject, job: string): Promise<readonly string[]> {
  const filters = { label: [`${labelPrefix}job=${job}`] };
  const containers = (await engine?.api.listContainers({ all: true, filters })) ?? [];
  const networks = (await engine?.api.listNetworks({ filters })) ?? [];
  const volumes = (await engine?.api.listVolumes({ filters }))?.Volumes ?? [];
  const places = join(project.home, 'state', 'projects');
  const directories = readdirSync(places).flatMap((key) => {
    const shells = join(places, key, 'shells');
    return existsSync(shells) ? readdirSync(shells) : [];
  });
  return [...containers.map(({ Id }) => Id), ...networks.map(({ Name }) => Name), ...volumes, ...directories].map(
    String,
  );
}

describe.each(executors)('ci shell in $executor', ({ executor, isMissing }) => {
  it.skipIf(isMissing)('runs one command in the place of a job, and leaves nothing', async () => {
    using project = shellProject();
    const { job } = project;
    const text =
      'cat src.txt; echo "$GREETING|$QUOTED|$(printf %s "$LONG" | wc -c)|$CI_JOB_STATUS"; pwd; ls -d before cached out; exit 7';
    const first = await shell(project, [job, '-e', executor, '-c', text]);
    expect(first.exitCode, first.stderr).toBe(7);
    expect(first.stdout.split('\n').slice(0, 2)).toEqual(['source', `hello ${job}|'"\`\\|8000|running`]);
    expect(first.stdout.split('\n')[2]).toMatch(/\/project$/);
    expect(first.stdout).not.toContain('output-of-the-script');
    expect(first.stderr).toContain(`without artifacts of ${project.maker}: there is no run yet`);
    expect(await leftovers(project, job)).toEqual([]);
    expect(project.git('status', '--porcelain', '--ignored')).toBe('');
  });

  it.skipIf(isMissing)('has artifacts, variables and caches of the last run, unless not wanted', async () => {
    using project = shellProject();
    const { job } = project;
    await runCi(['run', '-e', executor], { cwd: project.root, home: project.home });
    const look = [job, '-e', executor, '-c', 'cat out/file cached/file; echo "[$LEFT]"'];
    // Only what a job that succeeded left is kept as its cache.
    const all = await shell(project, look);
    expect(all.stdout, all.stderr).toBe('made\n[over]\n');
    expect(all.stderr).toMatch(/cached\/file.*No such file/);
    expect((await shell(project, [...look, '--no-needs'])).stdout).toBe('[]\n');
    expect((await runCi(['runs', '--format', 'json'], { cwd: project.root, home: project.home })).stdout).toContain(
      '"id": "1"',
    );
    const runs = JSON.parse(
      (await runCi(['runs', '--format', 'json'], { cwd: project.root, home: project.home })).stdout,
    );
    expect(runs.runs).toHaveLength(1);
  });

  it.skipIf(isMissing)('reads its input, passes words on as they are, and masks', async () => {
    using project = shellProject();
    const { job } = project;
    const env = { ...plainEnvironment(project.home), TOKEN: 'very-secret-value' };
    const args = [binary, 'shell', job, '-q', '-e', executor, '--secret', 'TOKEN', '--'];
    const words = ['sh', '-c', 'cat; printf "%s|" "$@"; echo "$TOKEN"', '-', 'a b', "it's", '$HOME', ''];
    const child = spawn(process.execPath, [...args, ...words], { cwd: project.root, env });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.stdin.end('first\nsecond\n');
    const [exitCode] = await once(child, 'close');
    expect(text).toBe("first\nsecond\na b|it's|$HOME||[MASKED]\n");
    expect(exitCode).toBe(0);
  });

  it.skipIf(isMissing || !hasPseudoTerminal)('opens a shell at a terminal: size, Ctrl-C, exit code', async () => {
    using project = shellProject();
    const { job } = project;
    await using terminal = runInTerminal(['shell', job, '-e', executor], { cwd: project.root, home: project.home });
    await terminal.shows(new RegExp(`you are in job ${job}.*directory`));
    await terminal.shows(/changes are thrown away/);
    await terminal.shows(/\[ci look-/);
    expect(terminal.shown()).not.toContain('long value');
    terminal.type('stty size; echo "<$GREETING:$(printf %s "$LONG" | wc -c)>"; test -t 0 && test -t 1 && echo both\n');
    await terminal.shows(/33 101/);
    await terminal.shows(new RegExp(`<hello ${job}:8000>`));
    await terminal.shows(/both/);
    terminal.type('sleep 300\n');
    await terminal.shows(/sleep 300/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type('\x03');
    await terminal.shows(/\[ci look-/);
    terminal.type('echo "code $?"\n');
    await terminal.shows(/code 130/);
    terminal.type('exit 5\n');
    expect(await terminal.ended).toBe(5);
    expect(await leftovers(project, job)).toEqual([]);
  });

  it.skipIf(isMissing || !hasPseudoTerminal)('goes when the terminal is closed', async () => {
    using project = shellProject();
    const { job } = project;
    const args = ['shell', job, '-e', executor];
    await using terminal = runInTerminal(args, { ...project, cwd: project.root, before: 'echo "pid $$;";' });
    const pid = Number((await terminal.shows(/pid (\d+);/))[1]);
    await terminal.shows(/\[ci look-/);
    terminal.hangUp();
    await terminal.ended;
    const isThere = () => existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    const until = Date.now() + 5000;
    while (isThere() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isThere()).toBe(false);
    expect(await leftovers(project, job)).toEqual([]);
  });

  it.skipIf(isMissing).each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('cleans up on %s', async (signal) => {
    using project = shellProject();
    const { job } = project;
    let isSent = false;
    const result = await runCi(['shell', job, '-e', executor, '-c', 'echo now; sleep 300'], {
      cwd: project.root,
      home: project.home,
      onStdout: (text, kill) => {
        if (isSent || !text.includes('now')) return;
        isSent = true;
        kill(signal);
      },
    });
    expect(result.exitCode).toBe(128 + { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal]);
    expect(await leftovers(project, job)).toEqual([]);
  });
});

describe.each(executors)('ci run --on-failure shell in $executor', ({ executor, isMissing }) => {
  it.skipIf(isMissing || !hasPseudoTerminal)('opens a shell where the script failed, before after_script', async () => {
    using project = shellProject();
    const { job, maker } = project;
    const other = `other-${job}`;
    project.write(
      '.gitlab-ci.yml',
      `${readFileSync(join(project.root, '.gitlab-ci.yml'), 'utf8')}
${other}:
  stage: second
  needs: []
  script: ['while ! [ -e "$FLAG" ]; do sleep 0.1; done', 'echo other-went-on', 'touch "$FLAG.done"']
late: { stage: second, needs: [${other}], script: ['touch "$FLAG.late"'] }
`,
    );
    const flag = join(project.home, 'flag');
    // The two jobs that look at the flag run in the shell: a container does not see it.
    const args = ['run', job, maker, '-e', executor, '--on-failure', 'shell'];
    const others = executor === 'shell' ? [other, 'late', '--var', `FLAG=${flag}`, '-j', '3'] : [];
    await using terminal = runInTerminal([...args, ...others], { cwd: project.root, home: project.home });
    await terminal.shows(/output-of-the-script/);
    await terminal.shows(new RegExp(`ci: ${job} failed: exit code 3`));
    await terminal.shows(/no job is begun/);
    await terminal.shows(/\[ci look-/);
    terminal.type('ls before cached/file out/here; echo "<$GREETING $CI_JOB_STATUS $LEFT>"; touch by-hand\n');
    await terminal.shows(/cached\/file\s+out\/here/);
    await terminal.shows(new RegExp(`<hello ${job} failed over>`));
    if (executor === 'shell') {
      writeFileSync(flag, '');
      const until = Date.now() + 10_000;
      while (!existsSync(`${flag}.done`) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(existsSync(`${flag}.done`)).toBe(true);
      terminal.type('echo "still $((40 + 2))"\n');
      await terminal.shows(/still 42/);
      expect(terminal.shown()).not.toContain('other-went-on');
      expect(existsSync(`${flag}.late`)).toBe(false);
    }
    terminal.type('sleep 300\n');
    await terminal.shows(/sleep 300/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type('\x03');
    await terminal.shows(/\[ci look-/);
    terminal.type('exit 0\n');
    await terminal.shows(new RegExp(`job ${job} stays failed`));
    expect(await terminal.ended).toBe(1);
    const { stdout } = await runCi(['logs', job], { cwd: project.root, home: project.home });
    expect(stdout).toContain('by-hand');
    expect(stdout).toContain('after: failed');
    expect(stdout).not.toContain('still 42');
    if (executor === 'shell') expect(existsSync(`${flag}.late`)).toBe(true);
    expect(await leftovers(project, job)).toEqual([]);
  });
});

describe.each(executors)('ci run --on-failure keep in $executor', ({ executor, isMissing }) => {
  it.skipIf(isMissing)('keeps the place of a failed job alone until `ci clean`, over later runs', async () => {
    using project = shellProject();
    const { job, maker } = project;
    const at = { cwd: project.root, home: project.home };
    const ci = (args: readonly string[]) =>
      runCi(args, { ...at, env: { TOKEN: 'very-secret-value', PATH: process.env['PATH'] ?? '' } });
    const args = ['run', '-e', executor, '--secret', 'TOKEN', '--var', 'URL=https://$TOKEN@host'];
    const result = await ci([...args, '--on-failure', 'keep']);
    expect(result.exitCode, result.stderr).toBe(1);
    const enter = /to go in: (.*?); `ci clean` removes it/.exec(result.stdout)?.[1] ?? '';
    expect(enter).toMatch(executor === 'docker' ? /^docker exec -it ci-kept-1-look-\S+ \S+\/enter$/ : /\/enter$/);
    const look = ['-c', 'ls before out/here cached/file; pwd; echo "$GREETING $CI_JOB_STATUS [$TOKEN$URL]"'];
    const inside = (): string => {
      const [file = '', ...words] = enter.replace(' -it', '').split(' ');
      return execFileSync(file, [...words, ...look], { encoding: 'utf8' });
    };
    expect(inside()).toMatch(/^before\ncached\/file\nout\/here\n.*\/project\nhello look-\S+ failed \[\]\n$/);
    // A later run sweeps what killed ones left, and prunes.
    await ci([...args, maker]);
    expect(inside()).toContain('out/here');
    expect(await leftovers(project, maker)).toEqual([]);
    expect((await ci(['runs'])).stdout).toContain(`kept of run 1: job ${job}`);
    expect(JSON.parse((await ci(['runs', '--format', 'json'])).stdout).runs[1].kept).toMatchObject([{ job, enter }]);
    const listed = (await ci(['clean', '--dry-run'])).stdout;
    expect(listed).toMatch(executor === 'docker' ? new RegExp(`container ci-kept-1-.*kept, job ${job}`) : /kept after/);
    expect(inside()).toContain('out/here');
    const cleaned = await ci(['clean']);
    expect(cleaned.exitCode, cleaned.stderr).toBe(0);
    expect(await leftovers(project, job)).toEqual([]);
    expect(() => inside()).toThrow();
    expect((await ci(['runs'])).stdout).not.toContain('kept of run');
  });
});

describe.skipIf(!hasPseudoTerminal)('a shell that does odd things with the terminal', () => {
  const bothFail = JSON.stringify({
    first: { script: ['exit 3'] },
    second: { script: ['exit 4'], needs: [{ job: 'first', optional: true }], when: 'always' },
  });

  it('is killed: the next one has the terminal', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': bothFail });
    const args = ['run', '-e', 'shell', '--on-failure', 'shell'];
    await using terminal = runInTerminal(args, { home: project.home, cwd: project.root });
    await terminal.shows(/\[ci first\]/);
    terminal.type('kill -9 $$\n');
    await terminal.shows(/left with 137; job first stays failed/);
    await terminal.shows(/\[ci second\]/);
    terminal.type('echo "sum $((40 + 2))"\n');
    await terminal.shows(/sum 42/);
    terminal.type('sleep 1000\n');
    await terminal.shows(/sleep 1000/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type('\x03');
    await terminal.shows(/\[ci second\]/);
    terminal.type('exit 0\n');
    expect(await terminal.ended).toBe(1);
  });

  it('suspends itself: so does ci, until it is told to go on', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': JSON.stringify({ job: { script: ['true'] } }) });
    const before = "PS1='above> ' bash --norc --noprofile -i;";
    await using terminal = runInTerminal(['--version'], { home: project.home, cwd: project.root, before });
    await terminal.shows(/above> /);
    terminal.type(`'${process.execPath}' '${binary}' shell job\n`);
    await terminal.shows(/\[ci job\]/);
    terminal.type('suspend\n');
    await terminal.shows(/\[1\]\+ +Stopped/);
    await terminal.shows(/above> /);
    terminal.type('echo "above $((40 + 2))"; fg\n');
    await terminal.shows(/above 42/);
    terminal.type('echo "inside $((41 + 2))"; exit 5\n');
    await terminal.shows(/inside 43/);
    await terminal.shows(/above> /);
    terminal.type('echo "code $?"; exit\n');
    await terminal.shows(/code 5/);
    expect(await terminal.ended).toBe(0);
  });

  it('suspends itself where nobody could tell us to go on: it goes on at once', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': JSON.stringify({ job: { script: ['true'] } }) });
    await using terminal = runInTerminal(['shell', 'job'], { home: project.home, cwd: project.root });
    await terminal.shows(/\[ci job\]/);
    terminal.type('suspend\n');
    terminal.type('echo "inside $((41 + 2))"; exit 5\n');
    await terminal.shows(/inside 43/);
    expect(await terminal.ended).toBe(5);
  });
});

describe('ci run --on-failure shell', () => {
  it('goes on without a terminal, and says so', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "a: { script: ['exit 3'] }\nb: { script: ['true'] }\n" });
    const result = await runCi(['run', '--on-failure', 'shell'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('--on-failure shell needs a terminal');
    expect(result.stdout).toMatch(/b +> .*success/);
  });
});

describe('ci shell', () => {
  it('says what it can not do', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
legs: { parallel: 2, script: ['true'] }
child: { trigger: { include: other.yml } }
`,
      'other.yml': "job: { script: ['true'] }\n",
    });
    const unknown = await shell(project, ['leg']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining('nearest: legs')]);
    const several = await shell(project, ['legs']);
    expect([several.exitCode, several.stderr]).toEqual([
      2,
      expect.stringContaining('name one of them: legs 1/2, legs 2/2'),
    ]);
    expect((await shell(project, ['legs 2/2', '-c', 'echo $CI_NODE_INDEX'])).stdout).toBe('2\n');
    const child = await shell(project, ['child']);
    expect([child.exitCode, child.stderr]).toEqual([2, expect.stringContaining('it starts another pipeline')]);
    const twice = await shell(project, ['legs 1/2', '-c', 'true', '--', 'true']);
    expect(twice.exitCode).toBe(2);
  });

  it('tells what is wrong with an engine or an image with 4', async () => {
    using project = shellProject();
    const result = await shell(project, [project.job, '-c', 'true'], { DOCKER_HOST: 'unix:///no/such.sock' });
    expect(result.exitCode).toBe(4);
    expect(result.stderr).toContain('/no/such.sock');
  });

  it.skipIf(engine === undefined)('is the user of the image, with services, and follows the size', async () => {
    using project = shellProject(`
served:
  stage: first
  image: { name: ci-test/busybox:latest, docker: { user: app } }
  services:
    - name: ci-test/busybox:latest
      alias: web
      command: [sh, -c, 'mkdir /www; echo served > /www/index.html; httpd -f -p 80 -h /www']
  script: ['true']
`);
    const one = await shell(project, ['served', '-c', 'id -un; touch x; wget -qO- http://web/; echo $0']);
    expect(one.stdout, one.stderr).toBe('app\nserved\nsh\n');
    if (!hasPseudoTerminal) return;
    const resize = `(while ! [ -e ${project.home}/go ]; do sleep 0.1; done; stty cols 77 rows 22 </dev/tty) & `;
    await using terminal = runInTerminal(['shell', 'served'], { ...project, cwd: project.root, before: resize });
    await terminal.shows(/\[ci served\]/);
    terminal.type('stty size\n');
    await terminal.shows(/33 101/);
    project.write('../home/go', '');
    terminal.type('for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; stty size; done\n');
    await terminal.shows(/22 77/);
    await terminal.shows(/\[ci served\]/);
    terminal.type('\x04');
    await terminal.ended;
    expect(await leftovers(project, 'served')).toEqual([]);
  });
});
