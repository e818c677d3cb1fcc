import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

/** Enough for a helper, which the first ones don't wait for. */
const jobs = Array.from({ length: 24 }, (_, index) => `job-${index}`);

const script = `
    - if test "$(cat /proc/$PPID/comm)" = perl; then trap '' TERM; echo "helped $PPID $$ "; sleep 1000; fi`;

describe.skipIf(process.platform !== 'linux')('a run whose helper is killed', () => {
  // Ten seconds is what they would be given to end by themselves.
  it('ends the jobs that it has started at once, and starts the others itself', { timeout: 9000 }, async () => {
    const after = "after: { stage: deploy, when: always, script: ['true'] }";
    using project = temporaryProject({
      '.gitlab-ci.yml': [...jobs.map((name) => `${name}:\n  script:${script}`), after].join('\n'),
    });
    let said = '';
    let helped: readonly { readonly helper: number; readonly shell: number }[] = [];
    const args = ['run', '-e', 'shell', '-j', String(jobs.length), '--reporter', 'json'];
    const result = await runCi(args, {
      cwd: project.root,
      home: project.home,
      onStdout: (text) => {
        said += text;
        if (helped.length > 0) return;
        const found = [...said.matchAll(/helped (\d+) (\d+) /g)];
        if (found.length < 3) return;
        helped = found.map(([, helper, shell]) => ({ helper: Number(helper), shell: Number(shell) }));
        process.kill(helped[0]!.helper, 'SIGKILL');
      },
    });
    const ends = readEvents(result.stdout).filter(({ type }) => type === 'job-finished');
    const failures = ends.filter(({ status }) => status === 'failed');
    expect(failures.length).toBeGreaterThanOrEqual(helped.length);
    for (const failure of failures) expect(failure).toMatchObject({ failureReason: 'runner_system_failure' });
    expect(result.stdout).toContain('the process that started the job');
    expect(ends.find(({ job }) => job === 'after')).toMatchObject({ status: 'success' });
    expect(helped.filter(({ shell }) => existsSync(`/proc/${shell}/exe`))).toEqual([]);
    expect(result.exitCode).toBe(4);
  });
});
