import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

describe('flags of containers', () => {
  it.each([['run'], ['plan'], ['shell', 'a', '-c', 'true']])('contradict each other: %s', async (...command) => {
    using project = temporaryProject({ '.gitlab-ci.yml': "a: { image: x, script: ['true'] }\n" });
    const args = [...command, '--hardened', '--privileged'];
    const { exitCode, stderr } = await runCi(args, { cwd: project.root, home: project.home });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('both privileged and hardened')]);
  });

  it('take back what settings say, which may contradict itself', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': "a: { image: x, script: ['true'] }\n",
      '.ci.toml': '[docker]\nhardened = true\n',
    });
    mkdirSync(join(project.home, 'config'), { recursive: true });
    writeFileSync(join(project.home, 'config/config.toml'), '[docker]\nprivileged = true\n');
    const given = { cwd: project.root, home: project.home };
    const refused = await runCi(['plan'], given);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('CI_CLI_HARDENED=false')]);
    for (const name of ['CI_CLI_HARDENED', 'CI_CLI_PRIVILEGED']) {
      expect((await runCi(['plan'], { ...given, env: { [name]: 'false' } })).exitCode).toBe(0);
    }
    expect((await runCi(['plan', '--privileged'], given)).stdout).toContain('more than usual: privileged');
    expect((await runCi(['plan', '--hardened'], given)).stdout).not.toContain('privileged');
  });
});

describe('ci plan', () => {
  const file = `
variables: { V: '22', REG: 'registry.example.com/$TOKEN' }
a:
  image: { name: 'node:$V', pull_policy: [always, if-not-present], docker: { user: '$UNKNOWN', platform: linux/amd64 } }
  services: [{ name: '$REG/pg:1', alias: 'db,other' }]
  script: ['true']
b: { image: 'busybox:$CI_COMMIT_REF_SLUG', script: ['true'] }
`;
  const plan = async (args: readonly string[], config = '') => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    mkdirSync(join(project.home, 'config'), { recursive: true });
    writeFileSync(join(project.home, 'config/config.toml'), config);
    const env = { TOKEN: 'sesame-opens' };
    const result = await runCi(['plan', ...args], { cwd: project.root, home: project.home, env });
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).not.toContain('sesame');
    return result.stdout;
  };

  it('shows images, users, limits and when images are pulled', async () => {
    const text = await plan(['--branch', 'my/topic', '--secret', 'TOKEN', '--memory', '1g', '--cpus', '1.5']);
    expect(text).toContain('containers get at most: each job: memory 1.0 GB, CPUs 1.5\n');
    expect(text).toContain(
      'docker, image node:22, pulled always, else if-not-present, user $UNKNOWN, platform linux/amd64\n',
    );
    expect(text).toContain('service registry.example.com/[MASKED]/pg:1, pulled if not present, as db, other\n');
    expect(text).toContain('docker, image busybox:my-topic, pulled if not present\n');
  });

  it('knows --pull and --offline', async () => {
    expect(await plan(['--pull', 'never', 'b'])).toContain(', never pulled\n');
    expect(await plan(['--offline', 'a'])).toContain('node:22, never pulled');
  });

  it('knows policies and limits of the settings', async () => {
    const config = `
[docker]
pull_policy = ["if-not-present", "always"]
allowed_pull_policies = ["never", "if-not-present"]
user = "app"
service_memory = "256m"
`;
    const { containers, jobs } = JSON.parse(await plan(['--format', 'json'], config));
    expect(containers).toMatchObject({ limits: { services: { memoryBytes: 256 << 20 } }, offline: false });
    expect(jobs).toMatchObject([
      { image: 'node:22', pull: ['if-not-present'], user: 'app', platform: 'linux/amd64' },
      { pull: ['if-not-present'], user: 'app' },
    ]);
    expect(await plan(['--pull', 'always', 'b'], config)).toContain('pulled by no policy that is allowed');
  });
});
