import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

async function included(project: TemporaryProject, ...args: readonly string[]): Promise<unknown> {
  const { cwd, home } = { cwd: project.root, home: project.home };
  const result = await runCi(['list', '--format', 'json', ...args], { cwd, home });
  if (result.exitCode !== 0) return { exitCode: result.exitCode, stderr: result.stderr };
  const { jobs } = JSON.parse(result.stdout) as { readonly jobs: readonly { name: string; included: boolean }[] };
  return jobs.filter((job) => job.included).map(({ name }) => name);
}

it('compares with another ref, and refuses one that there is not', async () => {
  using project = temporaryProject({
    '.gitlab-ci.yml': `
variables: { BASE: stable }
src: { script: x, rules: [{ changes: { paths: ['src/**/*'], compare_to: $BASE } }] }
docs: { script: x, rules: [{ changes: { paths: ['docs/**/*'], compare_to: refs/heads/$BASE } }] }
any: { script: x }
`,
    'src/a': '1',
    'docs/a': '1',
  });
  expect(await included(project)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('`compare_to` names no branch, tag or commit: `stable`'),
  });
  project.git('branch', 'stable');
  expect(await included(project)).toEqual(['any']);
  project.write('src/new/deep', '1');
  expect(await included(project)).toEqual(['src', 'any']);
  expect(await included(project, '--changed-since', 'HEAD')).toEqual(['src', 'any']);
  project.git('add', '-A');
  project.git('commit', '-q', '-m', 'More');
  expect(await included(project)).toEqual(['src', 'any']);
  expect(await included(project, '--var', 'BASE=main')).toEqual(['any']);
  // Also where nothing is pushed.
  expect(await included(project, '--event', 'schedule')).toEqual(['src', 'any']);
});

it('looks for files of another project where --project says that it lies', async () => {
  using lib = temporaryProject({ Makefile: '' });
  lib.git('tag', 'v1');
  lib.git('rm', '-q', 'Makefile');
  lib.git('commit', '-q', '-m', 'No more make');
  using project = temporaryProject({
    '.gitlab-ci.yml': `
now: { script: x, rules: [{ exists: { paths: [Makefile], project: group/lib } }] }
then: { script: x, rules: [{ exists: { paths: [Makefile], project: group/lib, ref: $REF } }] }
any: { script: x }
`,
  });
  const mapped = ['--project', `group/lib=${lib.root}`] as const;
  expect(await included(project, '--var', 'REF=v1', ...mapped)).toEqual(['then', 'any']);
  expect(await included(project, '--var', 'REF=v1')).toEqual(['any']);
  expect(await included(project, '--var', 'REF=v2', ...mapped)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('`ref` names no branch, tag or commit of `group/lib`: `v2`'),
  });
  mkdirSync(join(lib.root, 'sub'));
  lib.write('Makefile', '');
  expect(await included(project, '--var', 'REF=HEAD', ...mapped)).toEqual(['now', 'any']);
});

it('ends the other jobs when one fails, where the rule of the workflow says so', async () => {
  using project = temporaryProject({
    '.gitlab-ci.yml': `
workflow:
  rules:
    - if: $STRICT
      auto_cancel: { on_job_failure: all }
    - when: always
fails:
  script: until test -e "$MARK"; do sleep 0.05; done; false
other:
  script: touch "$MARK"; test -z "$STRICT" || sleep 60
`,
  });
  const run = async (...args: readonly string[]): Promise<unknown> => {
    const mark = join(project.home, `mark${args.length}`);
    const all = ['run', '--reporter', 'json', '-j', '2', '--var', `MARK=${mark}`, ...args];
    const result = await runCi(all, { cwd: project.root, home: project.home });
    const finished = readEvents(result.stdout).find(({ type }) => type === 'pipeline-finished');
    const jobs = finished?.['jobs'] as Readonly<Record<string, { readonly status: string }>>;
    return [result.exitCode, jobs['fails']?.status, jobs['other']?.status];
  };
  expect(await run()).toEqual([1, 'failed', 'success']);
  expect(await run('--var', 'STRICT=1')).toEqual([1, 'failed', 'canceled']);
});
