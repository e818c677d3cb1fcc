import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { processesWith } from '../executors/support/processes.ts';
import { runCi } from '../support/run-ci.ts';
import { runnerRoom } from '../support/runner-room.ts';
import { startCi } from '../support/running-ci.ts';
import { hasSshServer, startSshServer } from '../support/ssh-server.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-sshd-'));
const server = hasSshServer ? await startSshServer(place, [`SetEnv HOME=${place}`]) : undefined;
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await removeTree(place);
});

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300 && !isSo(); tries++) await sleep(50);
  expect(isSo()).toBe(true);
}

const pipeline = `
build:
  script: [cat hello.txt, mkdir out, 'echo "built in $PWD" > out/file']
  artifacts: { paths: [out] }
test:
  needs: [build]
  script: [cat out/file, 'test "$CI_JOB_NAME" = test']
fails:
  needs: []
  script: ['exit 7']
`;

function writeSettings(home: string): void {
  const { host, port, user, identityFile, knownHostsFile } = server!.target;
  mkdirSync(join(home, 'config'), { recursive: true });
  writeFileSync(
    join(home, 'config', 'config.toml'),
    `[ssh]\nhost = "${host}"\nport = ${port}\nuser = "${user}"\nidentity_file = "${identityFile}"\nknown_hosts_file = "${knownHostsFile}"\n`,
  );
}

describe.skipIf(server === undefined)('ci run -e ssh', () => {
  it('leaves no process and no file there when it is killed', async () => {
    const tag = `9${Math.floor(Math.random() * 1e8)}`;
    using project = temporaryProject({ '.ci.yml': `job:\n  script: ['sleep ${tag} & echo up; wait']\n` });
    writeSettings(project.home);
    const child = startCi(project, ['-e', 'ssh'], {});
    const isRunning = (): boolean => processesWith(`sleep ${tag}`).length > 0;
    await until(isRunning);
    child.kill('SIGKILL');
    await until(() => !isRunning() && !existsSync(join(place, '.ci-jobs')));
  });

  it('runs jobs on the machine of the settings, hands artifacts on, and leaves nothing there', async () => {
    using project = temporaryProject({ '.ci.yml': pipeline, 'hello.txt': 'hello there\n' });
    writeSettings(project.home);
    const { exitCode, stdout, stderr } = await runCi(['run', '-e', 'ssh', '--reporter', 'plain'], {
      cwd: project.root,
      home: project.home,
    });
    expect(stdout + stderr).toContain('hello there');
    expect(stdout).toMatch(/built in .*\/\.ci-jobs\//);
    expect(stdout).toContain('exit code 7');
    expect(exitCode).toBe(1);
    expect(existsSync(join(place, '.ci-jobs'))).toBe(false);
  });
});

describe.skipIf(server === undefined)('ci runner run with the executor ssh', () => {
  const { addJobs, ends, job, logOf, start } = runnerRoom();

  it("runs a server's job on the machine of the file, sources and artifacts with it", async () => {
    const build = {
      name: 'build',
      script: [
        'cat hello.txt',
        'pwd',
        'echo made > file',
        'stat -c "%a of $(basename "$SECRET")" "$SECRET"',
        'cat "$SECRET"',
      ],
      response: {
        variables: [{ key: 'SECRET', value: 'in a file', public: false, file: true, masked: false, raw: false }],
      },
      artifacts: { paths: ['file'] },
    };
    addJobs(build, { name: 'test', needs: ['build'], script: ['cat file'] }, { name: 'bad', script: ['exit 3'] });
    const { host, port, user, identityFile, knownHostsFile } = server!.target;
    const ssh = `host = "${host}"\nport = "${port}"\nuser = "${user}"\nidentity_file = "${identityFile}"\nknown_hosts_file = "${knownHostsFile}"`;
    const { child, ended } = start({ executor: 'ssh', table: `[runners.ssh]\n${ssh}` });
    await ends('test', 'bad');
    expect(logOf('build')).toContain('hello\n');
    expect(logOf('build')).toContain('/.ci-jobs/');
    expect(logOf('build')).toMatch(/\n600 of SECRET\n.*in a file/s);
    expect(logOf('test')).toContain('made');
    expect(job('test').status).toBe('success');
    expect(logOf('bad')).toContain('ERROR: Job failed: Process exited with status 3');
    expect(job('bad')).toMatchObject({ failureReason: 'script_failure', exitCode: 3 });
    child.kill('SIGQUIT');
    await ended;
    expect(existsSync(join(place, '.ci-jobs'))).toBe(false);
  });
});
