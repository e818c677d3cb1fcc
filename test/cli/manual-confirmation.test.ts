import { describe, expect, it } from 'vitest';
import { hasPseudoTerminal, runInTerminal } from '../support/pseudo-terminal.ts';
import { runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const file = `
build: { script: [echo building] }
deploy:
  script: [echo deploying]
  when: manual
  parallel: 2
  manual_confirmation: Really deploy?
`;

describe('manual_confirmation', () => {
  it('is shown and no more where there is no terminal, and only for what is started', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const where = { cwd: project.root, home: project.home };
    const started = await runCi(['run', '--reporter', 'plain', '--manual', 'deploy'], where);
    expect(started.exitCode).toBe(0);
    expect(started.stderr.match(/deploy: Really deploy\?/g)).toHaveLength(1);
    expect(started.stdout).toContain('deploying');
    expect((await runCi(['run', '--reporter', 'plain'], where)).stderr).not.toContain('Really');
    expect((await runCi(['run', 'deploy', '--yes', '--reporter', 'plain'], where)).stderr).not.toContain('Really');
  });

  it.skipIf(!hasPseudoTerminal)('is asked in a terminal; no: nothing runs', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const where = { cwd: project.root, home: project.home };
    const args = ['run', '--manual', 'deploy', '--reporter', 'plain'];
    await using no = runInTerminal(args, where);
    await no.shows(/deploy: Really deploy\? \[y\/N\]/);
    no.type('n\n');
    await no.shows(/nothing runs: deploy is not to be started/);
    expect(await no.ended).toBe(1);
    expect(no.shown()).not.toContain('building');
    await using yes = runInTerminal(args, where);
    await yes.shows(/Really deploy/);
    yes.type('yes\n');
    await yes.shows(/deploying/);
    expect(await yes.ended).toBe(0);
  });

  it.skipIf(!hasPseudoTerminal)('leaves Ctrl-C what it is', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    await using run = runInTerminal(['run', 'deploy'], { cwd: project.root, home: project.home });
    await run.shows(/Really deploy/);
    run.type('\x03');
    expect(await run.ended).toBe(130);
  });
});
