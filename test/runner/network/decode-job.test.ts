import { describe, expect, it } from 'vitest';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';
import { unsupportedOptions, withoutLogin } from '../../../src/runner/network/payload.ts';

describe('a job of the server', () => {
  it('has zero values for what is absent or null', () => {
    const absent = decodeJob({ id: 3, token: 'glcbt-x' });
    expect(absent).toMatchObject({
      allowGitFetch: false,
      image: undefined,
      services: [],
      run: '',
      gitInfo: { depth: 0, protected: undefined, refspecs: [] },
      runnerInfo: { timeoutSeconds: 0, sessionUrl: '' },
      jobInfo: { scopedUserId: undefined, instanceId: '' },
    });
    const keys = [
      'job_info',
      'git_info',
      'runner_info',
      'variables',
      'steps',
      'image',
      'services',
      'artifacts',
      'cache',
    ];
    const more = ['credentials', 'dependencies', 'features', 'secrets', 'hooks', 'run', 'policy_options', 'inputs'];
    const nulls = Object.fromEntries([...keys, ...more, 'allow_git_fetch'].map((key) => [key, null]));
    expect(decodeJob({ ...nulls, id: 3, token: 'glcbt-x' })).toEqual(absent);
    expect(decodeJob({ id: 3, token: 'glcbt-x', suspend_options: { a: 1 }, later: [] })).toEqual(absent);
  });

  it('reads each field', () => {
    const job = decodeJob({
      id: 1,
      token: 't',
      job_info: { id: 1, project_id: 5, time_in_queue_seconds: 1.5, scoped_user_id: 7, instance_uuid: 'u' },
      runner_info: { timeout: 3600, runner_session_url: null },
      image: { name: 'a', entrypoint: null, pull_policy: ['never'], executor_opts: { docker: { user: 1000 } } },
      services: [{ name: 's', alias: 'x, y', ports: [{ number: 80, protocol: 'http', name: 'web' }] }],
      artifacts: [{ artifact_type: 'junit', artifact_format: 'gzip', paths: ['r.xml'], expire_in: '1 week' }],
      dependencies: [
        { id: 4, name: 'b', token: 'bt' },
        { id: 5, name: 'c', token: 'ct', artifacts_file: { filename: 'a.zip', size: 9 } },
      ],
      secrets: { DB: { vault: { path: 'p' }, file: false }, CA: { gcp_secret_manager: {} } },
      inputs: [{ key: 'n', value: { type: 'number', content: 4 } }],
      features: { trace_sections: true, token_mask_prefixes: ['abc-'], failure_reasons: ['job_canceled'] },
      run: '[{"name":"a"}]',
    });
    expect(job.jobInfo).toMatchObject({ projectId: 5, timeInQueueSeconds: 1.5, scopedUserId: 7, instanceUuid: 'u' });
    expect(job.image).toMatchObject({ entrypoint: [], pullPolicy: ['never'], docker: { user: '1000', platform: '' } });
    expect(job.services[0]).toMatchObject({ alias: 'x, y', ports: [{ number: 80, protocol: 'http', name: 'web' }] });
    expect(job.artifacts[0]).toMatchObject({ type: 'junit', format: 'gzip', expireIn: '1 week', untracked: false });
    expect(job.dependencies.map(({ artifactsFile }) => artifactsFile)).toEqual([
      undefined,
      { filename: 'a.zip', size: 9 },
    ]);
    expect(job.secrets).toEqual([
      { name: 'DB', file: false, providers: { vault: { path: 'p' } } },
      { name: 'CA', file: true, providers: { gcp_secret_manager: {} } },
    ]);
    expect(job.inputs).toEqual([{ key: 'n', type: 'number', content: 4, sensitive: false }]);
    expect(job.features).toMatchObject({ traceSections: true, tokenMaskPrefixes: ['abc-'] });
  });

  it.each([
    [{ id: 'x' }, 'id is a string, not a number'],
    [{ id: 1.5 }, 'id is 1.5, not a whole number'],
    [{ job_info: [] }, 'job_info is a list, not an object'],
    [{ variables: [{ key: 'A', value: 3 }] }, 'variables[0].value is a number, not a string'],
    [{ steps: [{ script: ['a', {}] }] }, 'steps[0].script[1] is an object, not a string'],
    [{ services: 'x' }, 'services is a string, not a list'],
    [{ image: { executor_opts: { docker: { user: 1.5 } } } }, 'image.executor_opts.docker.user is 1.5'],
    [{ git_info: { protected: 'yes' } }, 'git_info.protected is a string, not true or false'],
    [[], 'the document is a list, not an object'],
  ])('says where a type is wrong: %j', (body, message) => {
    expect(() => decodeJob(body)).toThrow(message);
  });

  it('names options for executors that nobody knows', () => {
    const job = decodeJob({
      image: { name: 'ruby', executor_opts: { docker: { blammo: 1 }, other: {} } },
      services: [{ name: 'pg', executor_opts: { docker: { powpow: 'x', user: 'u' } } }],
    });
    expect(unsupportedOptions(job)).toBe(
      'unsupported executor options (image ruby: other, docker.blammo; service pg: docker.powpow)',
    );
    expect(unsupportedOptions(decodeJob({ image: { name: 'ruby' } }))).toBeUndefined();
  });

  it('shows an address without its token', () => {
    expect(withoutLogin('https://gitlab-ci-token:secret@g.example/a/b.git')).toBe('https://g.example/a/b.git');
    expect(withoutLogin('https://g.example/a@b.git')).toBe('https://g.example/a@b.git');
  });
});
