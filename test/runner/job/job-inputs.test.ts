import { describe, expect, it } from 'vitest';
import { fillInputs } from '../../../src/runner/job/job-inputs.ts';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';

const input = (key: string, type: string, content?: unknown) => ({ key, value: { type, content } });
const use = '${{ job.inputs.env }}';

function filled(inputs: readonly unknown[], payload: Record<string, unknown> = {}) {
  return fillInputs(decodeJob({ id: 1, token: 't', inputs, ...payload }));
}

describe('inputs of a job', () => {
  it('stand where GitLab lets them, and nowhere else', () => {
    const { job, problem } = filled([input('env', 'string', 'dev')], {
      job_info: { name: use, stage: use },
      variables: [{ key: 'A', value: use }],
      hooks: [{ name: 'pre_get_sources_script', script: [use] }],
      steps: [
        { name: 'script', script: [`deploy ${use}`] },
        { name: 'release', script: [use] },
        { name: 'after_script', script: [use] },
      ],
      image: { name: `app:${use}`, entrypoint: [use], executor_opts: { docker: { user: use } } },
      services: [{ name: use, alias: use, command: [use] }],
      artifacts: [{ name: use, paths: [use], exclude: [use], when: use, expire_in: use }],
      cache: [{ key: use, paths: [use], policy: use, fallback_keys: [use] }],
    });
    expect(problem).toBeUndefined();
    expect(job.steps.map(({ script }) => script[0])).toEqual(['deploy dev', use, 'dev']);
    expect(job.image).toMatchObject({ name: 'app:dev', entrypoint: ['dev'], docker: { user: 'dev' } });
    expect(job.services[0]).toMatchObject({ name: 'dev', alias: use, command: ['dev'] });
    expect(job.artifacts[0]).toMatchObject({
      name: 'dev',
      paths: ['dev'],
      exclude: ['dev'],
      when: 'dev',
      expireIn: 'dev',
    });
    expect(job.cache[0]).toMatchObject({ key: 'dev', paths: ['dev'], policy: 'dev', fallbackKeys: ['dev'] });
    expect([job.jobInfo.name, job.variables[0]?.value, job.hooks[0]?.script[0]]).toEqual([use, use, use]);
  });

  it('are no matter of a job that has none', () => {
    const { job, problem } = filled([], { steps: [{ name: 'script', script: ['echo $', use] }] });
    expect([problem, job.steps[0]?.script]).toEqual([undefined, ['echo $', use]]);
  });

  it.each([
    [[input('', 'string', 'x')], /has no name/],
    [[input('a', 'string')], /"a" of the job has no value/],
    [[input('a', 'number', 'x')], /"a" of the job is no number/],
    [[input('a', 'constructor', 'x')], /type "constructor", which is not known/],
    [[input('a', 'string', 'x')], /^failed to interpolate job inputs: there is no `env`, only a$/],
  ])('that are wrong fail the job: %j', (inputs, why) => {
    expect(filled(inputs, { steps: [{ name: 'script', script: [use] }] }).problem).toMatch(why);
  });
});
