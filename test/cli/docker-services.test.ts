import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

/** Databases of Debian's packages, made by scripts/test-engine.sh where packages can be installed. */
async function hasDatabases(): Promise<boolean> {
  try {
    for (const name of ['postgres', 'redis']) await engine?.api.getImage(`ci-test/${name}`).inspect();
    return engine !== undefined;
  } catch {
    console.error('!!! TESTS WITH DATABASES ARE SKIPPED: scripts/test-engine.sh could not make their images');
    return false;
  }
}

describe.skipIf(!(await hasDatabases()))('databases as services', () => {
  it('are reached by the job through their aliases', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
test:
  image: { name: ci-test/postgres, entrypoint: [''] }
  variables: { PGPASSWORD: 'not so secret', PGUSER: ann, PGDATABASE: books }
  services:
    - name: ci-test/postgres
      alias: db, database
      variables: { POSTGRES_PASSWORD: $PGPASSWORD, POSTGRES_USER: ann, POSTGRES_DB: books }
    - name: ci-test/redis
      alias: cache
      command: [--maxmemory, 10mb]
  script:
    - psql -h db -c 'create table book (title text)' -c "insert into book values ('Emma')"
    - psql -h database -Atc 'select title, current_user from book'
    - redis-cli -h cache set key value
    - redis-cli -h ci-test-redis get key
    - redis-cli -h cache config get maxmemory
`,
    });
    const result = await runCi(['run', '--reporter', 'plain'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.stdout).not.toContain("probably didn't start properly");
    for (const line of ['INSERT 0 1', 'Emma|ann', 'OK', 'value', '10485760']) {
      expect(result.stdout).toContain(`test | ${line}\n`);
    }
    expect(await labelled(engine!.api, result)).toEqual([]);
  });

  it('say what they lack, and the job goes on', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
test:
  image: ci-test/busybox
  services: [{ name: ci-test/postgres, alias: db }]
  script: ['echo the job', 'nc db 5432 </dev/null']
`,
    });
    const result = await runCi(['run'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout).toBe(1);
    expect(result.stdout).toContain(
      "Service ci-test/postgres probably didn't start properly: it ended with exit code 2",
    );
    expect(result.stdout).toContain('POSTGRES_PASSWORD is not set');
    expect(result.stdout).toContain('the job');
    const logs = await runCi(['logs', 'test'], { cwd: project.root, home: project.home });
    expect(logs.stdout).toContain('Service ci-test/postgres ended with exit code 2; the end of its log:\n[service:');
  });
});

describe.skipIf(engine === undefined)('containers of jobs', () => {
  it('get what flags and settings say, and no more than these from the repository', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a:
  image: ci-test/busybox
  script:
    - cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true
    - ls /var/run/docker.sock /host 2>/dev/null || echo neither
    - grep NoNewPrivs /proc/self/status | tr -d '\\t'
`,
      '.ci.toml': '[docker]\nmemory = "1g"\nvolumes = ["/:/host"]\nhardened = true\n',
      '../home/config/config.toml': '[docker]\nmemory = "256m"\nextra_hosts = ["a:10.0.0.1"]\n',
    });
    const given = { cwd: project.root, home: project.home };
    const first = await runCi(['run'], given);
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    expect(first.stdout).toContain(`a | ${256 << 20}\n`);
    expect(first.stdout).toContain('a | neither\n');
    expect(first.stdout).toContain('a | NoNewPrivs:1\n');
    expect(first.stderr).toMatch(/\.ci\.toml:3: `docker\.volumes` is ignored here, a repository can't turn safety off/);
    const second = await runCi(['run', '--memory', '64m', '--mount-socket'], given);
    expect(second.stdout).toContain(`a | ${64 << 20}\n`);
    expect(second.stdout).toContain('a | /var/run/docker.sock\n');
    const logs = await runCi(['logs', 'a'], given);
    expect(logs.stdout).toContain("Containers get more than usual: the engine's socket\n");
    const plan = await runCi(['plan', '--privileged'], { ...given, env: { CI_CLI_MOUNT_SOCKET: '1' } });
    expect(plan.stdout).toContain("containers get more than usual: privileged; the engine's socket\n");
    expect((await runCi(['plan'], given)).stdout).not.toContain('more than usual');
  });

  it('of users that are not root keep homes, caches and artifacts', async () => {
    const container = await engine!.api.createContainer({ Image: 'ci-test/busybox', Cmd: ['true'] });
    const name = `ci-test/user-${process.pid}`;
    await container.commit({ repo: name, tag: '1', changes: 'USER app' });
    await container.remove();
    using project = temporaryProject({
      '.gitlab-ci.yml': `
default: { image: '${name}:1' }
make:
  cache: { key: k, paths: [cached/] }
  script:
    - id -u; echo "$HOME"; touch ~/in-home
    - mkdir -p cached out; echo once >> cached/file; wc -l < cached/file
    - echo made > out/file; test -w .gitlab-ci.yml
  artifacts: { paths: [out/] }
use:
  needs: [make]
  script: ['echo more >> out/file; cat out/file']
  artifacts: { paths: [out/] }
`,
    });
    const given = { cwd: project.root, home: project.home };
    await runCi(['run'], given);
    const result = await runCi(['run', '--artifacts-dir', 'kept'], given);
    expect(result.exitCode, result.stdout).toBe(0);
    for (const line of ['1000', '/home/app', '2', 'made', 'more']) {
      expect(result.stdout).toMatch(new RegExp(`^(make|use) +\\| ${line}$`, 'm'));
    }
    const file = join(project.root, 'kept/use/out/file');
    expect([readFileSync(file, 'utf8'), statSync(file).uid]).toEqual(['made\nmore\n', process.getuid?.()]);
    await engine!.api.getImage(`${name}:1`).remove({ force: true });
  });

  it('say in the plan what needs more than they get', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': "a: { image: 'docker:cli', services: ['docker:27-dind'], script: ['true'] }\n",
    });
    const given = { cwd: project.root, home: project.home };
    const text = 'service docker:27-dind needs privileged containers: --privileged';
    expect((await runCi(['plan'], given)).stdout).toContain(text);
    expect((await runCi(['plan', '--privileged'], given)).stdout).not.toContain(text);
  });

  it('are not made of settings that make no sense', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': "a: { image: ci-test/busybox, script: ['true'] }\n",
      '../home/config/config.toml': 'concurrency = 1\n\n[docker]\nmemory = "lots"\ncpus = "two"\n',
    });
    const result = await runCi(['run'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(
      /config\.toml:4: `docker\.memory` must be a size of 6m or more like "512m" or "2g", not "lots"/,
    );
    expect(result.stderr).toMatch(/config\.toml:5: `docker\.cpus` must be a number from 0\.01/);
    expect((await runCi(['run', '--memory', 'lots'], { cwd: project.root, home: project.home })).exitCode).toBe(2);
  });

  it('of an image that can not run jobs end with 4 and what to do', async () => {
    const container = await engine!.api.createContainer({ Image: 'ci-test/busybox', Cmd: ['true'] });
    const name = `ci-test/tool-${process.pid}`;
    await container.commit({ repo: name, tag: '1', changes: 'ENTRYPOINT ["echo", "usage: tool [options]"]' });
    await container.remove();
    using project = temporaryProject({ '.gitlab-ci.yml': `a: { image: '${name}:1', script: ['echo never'] }\n` });
    const result = await runCi(['run'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout).toBe(4);
    expect(result.stdout).toContain('usage: tool');
    expect(result.stdout).toContain(`the entrypoint of image \`${name}:1\` did not run the job's shell`);
    expect(result.stdout).toContain(`take the entrypoint away: \`image: { name: ${name}:1, entrypoint: [""] }\``);
    await engine!.api.getImage(`${name}:1`).remove({ force: true });
  });

  it('services get what is public on GitLab: the variables of the file', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
variables: { OF_FILE: f, HIDDEN: of-the-file, NESTED: '$OF_FILE-$HIDDEN', FROM_SECRET: 'a-$TOKEN' }
first: { image: ci-test/busybox, script: ['echo OF_DOTENV=d >vars'], artifacts: { reports: { dotenv: vars } } }
second:
  image: ci-test/busybox
  needs: [first]
  services: [{ name: ci-test/busybox, alias: s, command: [sh, -c, 'env | grep -v CI_[^S]; exit 3'], variables: { OWN: '$OF_PROJECT' } }]
  script: ['echo "job: $OF_DOTENV $OF_PROJECT $HIDDEN"']
`,
      '../home/config/config.toml': '[variables]\nOF_PROJECT = "p"\n',
    });
    const args = ['run', '-v', '--secret', 'TOKEN', '--var', 'HIDDEN=given', '--var', 'OF_RUN=r'];
    const env = { TOKEN: 'sesame-opens' };
    const { stdout } = await runCi(args, { cwd: project.root, home: project.home, env });
    expect(stdout).toContain('job: d p given');
    const names = ['OF_FILE', 'HIDDEN', 'NESTED', 'FROM_SECRET', 'OWN', 'CI_SERVER'];
    for (const name of names) expect(stdout).toMatch(new RegExp(`^second +\\| ${name}=.`, 'm'));
    expect(stdout).toMatch(/\| HIDDEN=of-the-file$/m);
    expect(stdout).not.toMatch(/\| (OF_DOTENV|OF_PROJECT|OF_RUN|TOKEN)=/);
  });

  it('services are named where their images are not there', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a: { image: ci-test/busybox, services: [{ name: 'ci-test/nosuch:1', alias: db }], script: ['true'] }
`,
    });
    const result = await runCi(['run', '--offline'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(4);
    expect(result.stdout).toMatch(/ failed: service `db`: image `ci-test\/nosuch:1` can't be had from /);
  });

  it('services say which program they can not start', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a: { image: ci-test/busybox, services: [{ name: ci-test/busybox, alias: db, command: ['sleep 9'] }], script: ['true'] }
`,
    });
    const result = await runCi(['run'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(4);
    expect(result.stdout).toContain(" failed: service `db`: image `ci-test/busybox` can't start `sleep 9`");
    expect(result.stdout).toMatch(/look at the service's `command` and `entrypoint`: .*each word an item of its own/);
  });

  it('images are told that are there for another platform', async () => {
    const { Architecture } = await engine!.api.getImage('ci-test/busybox').inspect();
    const other = Architecture === 'arm64' ? 'amd64' : 'arm64';
    using project = temporaryProject({
      '.gitlab-ci.yml': `
a: { image: { name: ci-test/busybox, docker: { platform: linux/${other} } }, script: ['true'] }
`,
    });
    const result = await runCi(['run', '--pull', 'never'], { cwd: project.root, home: project.home });
    expect(result.exitCode).toBe(4);
    expect(result.stdout).toContain(`; the engine has it for linux/${Architecture}`);
    expect(result.stdout).not.toContain('did you mean');
  });

  it('images are found by the begin of their id', async () => {
    const { Id } = await engine!.api.getImage('ci-test/busybox:latest').inspect();
    const [, digits = ''] = Id.split(':');
    using project = temporaryProject({
      '.gitlab-ci.yml': `
short: { image: '${digits.slice(0, 12)}', script: [echo] }
longer: { image: { name: '${Id.slice(0, 30)}', pull_policy: never }, script: [echo] }
none: { image: '000000000000', script: [echo], allow_failure: true }
`,
    });
    const result = await runCi(['run', '--pull', 'never'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.stdout).toMatch(/✓ success(.|\n)*✓ success/);
    expect(result.stdout).toContain("image `000000000000:latest` can't be had");
  });
});
