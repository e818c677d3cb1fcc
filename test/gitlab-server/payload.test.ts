import { describe, expect, it } from 'vitest';
import type { PipelineDescription } from './description.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { askForJob, put } from './raw.ts';

/** The response for the first job of a pipeline. */
async function responseFor(pipeline: PipelineDescription) {
  await using server = await startGitlabServer();
  const { token } = server.addRunner({ maximumTimeout: 1800 });
  server.addPipeline(pipeline);
  return { json: (await askForJob(server, token)).json, server, pipelineId: server.store.pipelines[0]!.id };
}

describe('the response', () => {
  it('has every field that GitLab sends', async () => {
    const { json } = await responseFor({ jobs: [{ name: 'one' }] });
    expect(Object.keys(json).toSorted()).toEqual(
      (
        'allow_git_fetch artifacts cache credentials dependencies features git_info hooks id image inputs job_info ' +
        'runner_info services steps token variables'
      ).split(' '),
    );
    expect(json).toMatchObject({ allow_git_fetch: true, image: null, artifacts: null, services: [], cache: [] });
    expect(json.runner_info).toEqual({ timeout: 1800, runner_session_url: null });
    expect(json.job_info).toMatchObject({ name: 'one', stage: 'test', queue_size: 1, queue_depth: 1 });
    expect(json.features).toMatchObject({
      trace_sections: true,
      failure_reasons: expect.arrayContaining(['script_failure']),
    });
  });

  it.each<[string, Partial<PipelineDescription>, string | undefined, (id: number) => readonly string[]]>([
    [
      'a branch',
      {},
      undefined,
      (id) => [`+refs/pipelines/${id}:refs/pipelines/${id}`, '+refs/heads/main:refs/remotes/origin/main'],
    ],
    [
      'a tag',
      { ref: 'v1', refType: 'tag' },
      '5',
      (id) => [`+refs/pipelines/${id}:refs/pipelines/${id}`, '+refs/tags/v1:refs/tags/v1'],
    ],
    ['a merge request', { mergeRequest: true }, undefined, (id) => [`+refs/pipelines/${id}:refs/pipelines/${id}`]],
    [
      'the whole history',
      {},
      '0',
      (id) => [
        `+refs/pipelines/${id}:refs/pipelines/${id}`,
        '+refs/heads/*:refs/remotes/origin/*',
        '+refs/tags/*:refs/tags/*',
      ],
    ],
  ])('names refspecs of %s', async (_, more, depth, expected) => {
    const variables = depth === undefined ? {} : { GIT_DEPTH: depth };
    const { json, pipelineId } = await responseFor({ jobs: [{ name: 'one', variables }], ...more });
    expect(json.git_info.refspecs).toEqual(expected(pipelineId));
    expect(json.git_info.depth).toBe(Number(depth ?? 20));
  });

  it('has steps, image, services, cache and artifacts as the job says', async () => {
    const { json } = await responseFor({
      jobs: [
        {
          name: 'one',
          script: ['a', 'b'],
          afterScript: ['c'],
          release: ['d'],
          allowFailure: true,
          timeout: 60,
          image: { name: 'alpine', entrypoint: [''], pullPolicy: ['if-not-present'] },
          services: [{ name: 'redis', alias: 'cache', variables: { A: '1' } }],
          cache: [{ key: 'k', paths: ['p'], policy: 'pull', fallbackKeys: ['f'] }],
          artifacts: { paths: ['out'], exclude: ['out/x'], expireIn: '1 day', reports: { junit: ['j.xml'] } },
        },
      ],
    });
    expect(json.steps).toEqual([
      { name: 'script', script: ['a', 'b'], timeout: 60, when: 'on_success', allow_failure: true },
      { name: 'release', script: ['d'], timeout: 60, when: 'on_success', allow_failure: false },
      { name: 'after_script', script: ['c'], timeout: 60, when: 'always', allow_failure: true },
    ]);
    expect(json.image).toMatchObject({ name: 'alpine', entrypoint: [''], pull_policy: ['if-not-present'], ports: [] });
    expect(json.services).toMatchObject([{ name: 'redis', alias: 'cache', variables: [{ key: 'A', value: '1' }] }]);
    expect(json.cache).toEqual([
      { key: 'k', untracked: false, paths: ['p'], policy: 'pull', when: 'on_success', fallback_keys: ['f'] },
    ]);
    expect(json.artifacts).toMatchObject([
      { artifact_type: 'archive', artifact_format: 'zip', paths: ['out'], exclude: ['out/x'], expire_in: '1 day' },
      { artifact_type: 'junit', artifact_format: 'gzip', name: 'junit.xml', paths: ['j.xml'], when: 'always' },
    ]);
    expect(json.artifacts[0]).not.toHaveProperty('untracked');
    expect(json.artifacts[1]).not.toHaveProperty('untracked');
  });

  it('hides the token among the variables, and puts the job’s own last', async () => {
    const variables = { A: 'pipeline', S: { value: 'x y', masked: true, raw: true, public: false } };
    const { json } = await responseFor({ variables, jobs: [{ name: 'one', variables: { A: 'job' } }] });
    const of = (key: string) => json.variables.filter((variable: { key: string }) => variable.key === key);
    expect(of('CI_JOB_TOKEN')).toMatchObject([{ value: json.token, masked: true, public: false }]);
    expect(of('A').map(({ value }: { value: string }) => value)).toEqual(['pipeline', 'job']);
    expect(of('S')).toEqual([{ key: 'S', value: 'x y', masked: true, raw: true, public: false, file: false }]);
  });

  it('takes any field from the description', async () => {
    const response = { run: '[{"name":"a"}]', image: { name: 'x', executor_opts: { docker: { blammo: 1 } } } };
    const { json } = await responseFor({ jobs: [{ name: 'one', response }] });
    expect(json).toMatchObject(response);
  });
});

describe('a pipeline', () => {
  it('goes by stages and needs, forgives what may fail, and skips the rest', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({
      stages: ['build', 'test', 'deploy'],
      jobs: [
        { name: 'build', stage: 'build' },
        { name: 'lint', stage: 'build', allowFailure: true },
        { name: 'early', stage: 'deploy', needs: [] },
        { name: 'test', stage: 'test' },
        { name: 'deploy', stage: 'deploy' },
        { name: 'cleanup', stage: 'deploy', when: 'on_failure' },
        { name: 'report', stage: 'deploy', when: 'always' },
        { name: 'by hand', stage: 'build', when: 'manual' },
      ],
    });
    const order: string[] = [];
    for (;;) {
      const { status, json } = await askForJob(server, token);
      if (status === 204) break;
      order.push(json.job_info.name);
      const fails = ['lint', 'test'].includes(json.job_info.name);
      await put(server, json, { state: fails ? 'failed' : 'success', failure_reason: 'script_failure' });
    }
    expect(order).toEqual(['build', 'lint', 'early', 'test', 'cleanup', 'report']);
    expect([server.job('deploy').status, server.job('by hand').status]).toEqual(['skipped', 'manual']);
    server.play(server.job('by hand'));
    expect((await askForJob(server, token)).json.job_info.name).toBe('by hand');
  });

  it('starts a job again under another id and token', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [{ name: 'one' }] });
    const first = (await askForJob(server, token)).json;
    await put(server, first, { state: 'failed' });
    server.retry(server.job('one'));
    const second = (await askForJob(server, token)).json;
    expect([second.id === first.id, second.token === first.token]).toEqual([false, false]);
    expect((await put(server, { id: second.id, token: first.token }, { state: 'running' })).status).toBe(403);
  });
});
