import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { hasSshServer, startSshServer } from '../support/ssh-server.ts';
import { temporaryProject } from '../support/temporary-project.ts';

describe.skipIf(!hasSshServer)('include:project by ssh', () => {
  it("uses the user's ssh, as origin does, and never waits for an answer", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ci-ssh-'));
    try {
      await using server = await startSshServer(folder);
      using templates = temporaryProject({ 'ci.yml': 'build: { script: [echo by ssh] }\n' });
      using project = temporaryProject({ '.gitlab-ci.yml': 'include: { project: group/templates, file: ci.yml }\n' });
      execFileSync('git', ['clone', '-q', '--bare', templates.root, join(folder, 'group/templates.git')]);
      const address = `ssh://${server.user}@127.0.0.1:${server.port}${folder}/group/app.git`;
      project.git('remote', 'add', 'origin', address);
      const fetched = (env: Readonly<Record<string, string>>) =>
        runCi(['fetch'], { cwd: project.root, home: project.home, env });
      // The path that GitLab would have in front of its projects' is part of where the server keeps them.
      const prefix = { CI_CLI_GITLAB_URL: `ssh://${server.user}@127.0.0.1:${server.port}${folder}` };
      const unknown = await fetched({ ...prefix, HOME: folder });
      expect([unknown.exitCode, unknown.stderr.includes('[gitlab/include-not-fetched]')]).toEqual([4, true]);
      const known = await fetched({ ...prefix, GIT_SSH_COMMAND: server.command });
      expect(known.stderr).toBe('');
      const ran = await runCi(['run', '--offline'], { cwd: project.root, home: project.home });
      expect(ran.stdout).toContain('by ssh');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
