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

  it('contradict a setting, which a variable takes back', async () => {
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
  });
});
