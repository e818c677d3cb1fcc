import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { smallRepository } from '../support/runner-process.ts';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { ends, job, logOf, start } = room;

/** Runs jobs by a runner with these lines in its file; gives their logs. */
async function run(jobs: readonly JobDescription[], table = ''): Promise<readonly string[]> {
  const repository = smallRepository(join(room.home, 'project'));
  execFileSync('git', ['branch', 'other'], { cwd: repository });
  room.server.addPipeline({ jobs }, room.server.addProject({ repository }));
  start({ name: 'my runner', global: 'concurrent = 4', table });
  const names = jobs.map(({ name }) => name);
  await ends(...names);
  return names.map(logOf);
}

describe('a job of a server', () => {
  it('fetches by itself as the job, without a token in its repository', async () => {
    const script = [
      'git fetch -q origin',
      'git log -1 --format=%s origin/other',
      'if grep -rq "$CI_JOB_TOKEN" .git; then echo leaked; fi',
      'git push -q origin HEAD:refs/heads/made || echo "no push"',
    ];
    const [log] = await run([{ name: 'git', script }]);
    expect(log).toMatch(/\nfirst\n/);
    expect(log).not.toMatch(/\nleaked\n|gitlab-ci-token:glcbt/);
    expect(job('git').status).toBe('success');
  });

  it('shows its commands with CI_DEBUG_TRACE, unless that is disabled', async () => {
    const variables = { CI_DEBUG_TRACE: 'true' };
    const [log] = await run(
      [{ name: 'debug', variables, script: ['echo "a$((1 + 1))c"'] }],
      'debug_trace_disabled = true',
    );
    expect(log).toContain('\na2c\n');
    expect(log).not.toContain('+ echo a2c');
  });

  it('has its inputs filled in, or fails with its configuration to blame', async () => {
    const inputs = [
      { key: 'env', value: { type: 'string', content: 'dev' } },
      { key: 'count', value: { type: 'number', content: 2 } },
    ];
    const use = (inside: string): string => `\${{ ${inside} }}`;
    const [good, bad] = await run([
      {
        name: 'good',
        script: [`echo "to ${use('job.inputs.env')} ${use('job.inputs.count + 1')} times" > out.txt`, 'cat out.txt'],
        response: { inputs },
      },
      { name: 'bad', script: [`echo ${use('job.inputs.other')}`], response: { inputs } },
    ]);
    expect(good).toContain('\nto dev 3 times\n');
    expect(bad).toContain('ERROR: Job failed: failed to interpolate job inputs: there is no `other`, only env, count');
    expect(job('bad')).toMatchObject({ status: 'failed', failureReason: 'script_failure' });
  });

  it('has the lines of GitLab Runner in its log, in their order', async () => {
    const [log, none] = await run(
      [
        {
          name: 'all',
          variables: {
            FF_HASH_CACHE_KEYS: 'true',
            FF_NOBODY_KNOWS: 'true',
            RUNNER_GENERATE_ARTIFACTS_METADATA: 'true',
            CACHE_FALLBACK_KEY: 'main-protected',
            GIT_CLONE_PATH: '$CI_BUILDS_DIR/go/$CI_CONCURRENT_ID/src',
          },
          script: [
            'test "$GIT_CLONE_PATH" = "$PWD"',
            'mkdir out && echo 1 > out/file',
            'echo "LEFT=kept" >> "$GITLAB_ENV"',
          ],
          afterScript: ['echo "left $LEFT"'],
          hooks: [{ name: 'pre_get_sources_script', script: ['echo before sources'] }],
          cache: [{ key: 'k', paths: ['out'] }],
          artifacts: { paths: ['out'] },
        },
        {
          name: 'none',
          variables: { GIT_STRATEGY: 'none' },
          hooks: [{ name: 'pre_get_sources_script', script: ['echo before sources'] }],
          script: ['exit 3'],
        },
      ],
      '[runners.feature_flags]\n  FF_HASH_CACHE_KEYS = false\n',
    );
    const lines = [
      'Running with pipewright',
      '  on my runner ',
      ', system ID: ',
      '  feature flags: FF_HASH_CACHE_KEYS:false, FF_NOBODY_KNOWS:true',
      'WARNING: feature flags that this runner does not know do nothing: FF_NOBODY_KNOWS',
      'WARNING: RUNNER_GENERATE_ARTIFACTS_METADATA is not supported',
      'Preparing the "shell" executor',
      'Using Shell (bash) executor...',
      'Preparing environment',
      'Running on ',
      'Running pre_get_sources_script',
      'before sources',
      'Getting source from Git repository',
      'Created fresh repository.',
      'Fetching changes',
      'Checking out ',
      'Skipping Git submodules setup',
      'Restoring cache',
      'WARNING: CACHE_FALLBACK_KEY "main-protected" not allowed to end in "-protected"',
      'Checking cache for k...',
      'Executing "step_script" stage of the job script',
      '$ mkdir out',
      'Running after_script',
      'left kept',
      'Saving cache for successful job',
      'Creating cache k...',
      'Created cache',
      'Uploading artifacts for successful job',
      'Uploading artifacts...',
      'out: found 2 matching artifact files and directories',
      'Cleaning up project directory and file based variables',
      'Job succeeded',
    ];
    const places = lines.map((line) => log!.indexOf(line));
    expect(lines.filter((_, index) => places[index]! < 0)).toEqual([]);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(none).toContain('Skipping Git repository setup');
    expect(none).not.toContain('before sources');
    expect(none).toContain('ERROR: Job failed: exit status 3');
  });

  it('is a failed script to the server where its sources or artifacts could not be moved', async () => {
    const idOf = (name: string): number => job(name).id;
    room.server.setFaults(({ route, jobId }) => {
      if (route === 'upload-artifact' && jobId === idOf('large')) return { kind: 'status', status: 413 };
      return route === 'download-artifact' ? { kind: 'status', status: 403 } : undefined;
    });
    const artifacts = { paths: ['out'] };
    const gitInfo = { repo_url: 'http://127.0.0.1:1/x.git', ref: 'main', sha: 'a'.repeat(40), refspecs: ['+a:b'] };
    const [made, large, refused, lost] = await run([
      { name: 'made', script: ['echo 1 > out'], artifacts },
      { name: 'large', script: ['echo 2 > out'], artifacts },
      { name: 'refused', needs: ['made'], script: ['echo never'], afterScript: ['echo nor this'] },
      { name: 'lost', script: ['echo never'], response: { git_info: gitInfo } },
    ]);
    expect(made).toMatch(
      /Uploading artifacts to coordinator\.\.\. 201 Created +id=\d+ responseStatus=201 Created token=/,
    );
    expect(large).toContain('Uploading artifacts to coordinator... 413 ');
    expect(large).toContain("ERROR: Job failed: artifacts (archive) can't be uploaded: too large (413 ");
    expect(refused).toMatch(/ERROR: Job failed: the artifacts of made \(\d+\) can't be downloaded: .*403 Forbidden/);
    expect(refused).not.toMatch(/\nnever|\nnor this/);
    expect(lost).toContain('ERROR: Job failed: git fetch failed (exit code 128)');
    const failed = { status: 'failed', failureReason: 'script_failure' };
    expect(job('large')).toMatchObject({ ...failed, exitCode: 1 });
    expect(job('refused')).toMatchObject({ ...failed, exitCode: 1 });
    expect(job('lost')).toMatchObject({ ...failed, exitCode: 128 });
  });

  it('does not get what only protected branches may write, by whatever spelling of a key', async () => {
    const ofBranch = [{ key: 'k-non_protected', paths: ['out'] }];
    const script = ['test ! -e out && echo clean'];
    const fallback = (key: string) => ({ variables: { CACHE_FALLBACK_KEY: key }, cache: ofBranch, needs: ['safe'] });
    const spellings = ['k-protected', 'x/../k-protected', 'k%2dprotected', 'k-protected%2f.', 'k-protected '];
    const logs = await run([
      { name: 'safe', script: ['echo 1 > out'], cache: [{ key: 'k-protected', paths: ['out'] }] },
      ...spellings.map((key, at) => ({ name: `try ${at}`, script, ...fallback(key) })),
    ]);
    for (const log of logs.slice(1)) expect(log).toMatch(/\nclean\n/);
    expect(logs[1]).toContain('WARNING: CACHE_FALLBACK_KEY "k-protected" not allowed to end in "-protected"');
  });
});
