import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../src/job/refusal.ts';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { jobSpecOf } from '../../../src/runner/job/job-spec-of.ts';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';

function runnerOf(table: Record<string, unknown> = {}) {
  const { config } = readConfig(
    { runners: [{ name: 'r', url: 'https://x', token: 't', executor: 'shell', ...table }] },
    {},
  );
  return config.runners[0]!;
}

const inDocker = (docker: Record<string, unknown> = {}) =>
  runnerOf({ executor: 'docker', docker: { image: 'own', ...docker } });

function made(payload: Record<string, unknown>, runner = runnerOf()) {
  return jobSpecOf(decodeJob({ id: 1, token: 'job-token', ...payload }), runner);
}

describe('a job of a server', () => {
  it('has a cache of its name and ref where the server names no key', () => {
    const { spec } = made({
      job_info: { name: 'a $X' },
      git_info: { ref: 'main' },
      cache: [{ paths: ['x'], fallback_keys: ['', 'k-protected'] }],
    });
    expect(spec.steps.find(({ kind }) => kind === 'restore-cache')).toMatchObject({
      keys: [{ text: 'a $$X/main' }, { text: 'k-protected' }],
    });
    expect(spec.steps.find(({ kind }) => kind === 'save-cache')).toMatchObject({ key: { text: 'a $$X/main' } });
  });

  it('has its names, variables, limits and sources', () => {
    const { spec, secrets } = made(
      {
        id: 42,
        job_info: { name: 'test', stage: 'check', pipeline_id: 7, project_full_path: 'group/app' },
        git_info: {
          repo_url: 'https://gitlab-ci-token:secret@gitlab.example.com/group/app.git',
          ref: 'main',
          sha: 'abc',
          refspecs: ['+refs/pipelines/7:refs/pipelines/7'],
          depth: 20,
        },
        allow_git_fetch: true,
        runner_info: { timeout: 90 },
        variables: [
          { key: 'A', value: '1', public: true },
          { key: 'B', value: '$A', masked: true, raw: true },
          { key: 'F', value: 'content', file: true },
        ],
        dependencies: [
          { id: 3, name: 'build', token: 'dep-token', artifacts_file: { filename: 'a.zip', size: 3 } },
          { id: 4, name: 'empty', token: 'dep-token' },
        ],
        credentials: [
          { type: 'registry', url: 'r', username: 'u', password: 'pass' },
          { type: 'other', url: 'o', username: 'u', password: 'word' },
        ],
      },
      runnerOf({ environment: ['A=runner', 'E=x=y'] }),
    );
    expect(spec).toMatchObject({
      id: '42',
      name: 'test',
      stage: 'check',
      runId: '7',
      executor: 'shell',
      projectPath: 'group/app',
      timeoutMs: 90_000,
      variables: [
        { name: 'A', value: 'runner' },
        { name: 'E', value: 'x=y' },
        { name: 'A', value: '1' },
        { name: 'B', value: '$A', masked: true, raw: true },
        { name: 'F', value: 'content', file: true },
      ],
      source: {
        kind: 'repository',
        repository: { sha: 'abc', ref: 'main', depth: 20, objectFormat: 'sha1', strategy: 'fetch' },
      },
      dependencies: [{ id: '3', name: 'build', number: 3 }],
    });
    expect(spec.serviceVariables?.map(({ name }) => name)).toEqual(['A', 'E', 'A']);
    expect(spec.registryLogins).toEqual([{ registry: 'r', username: 'u', password: 'pass' }]);
    expect(secrets).toEqual(['job-token', 'dep-token', 'pass', 'word']);
  });

  it('takes what the server leaves out as GitLab Runner does', () => {
    const { spec } = made({});
    expect(spec).toMatchObject({ timeoutMs: 7_200_000, projectPath: 'project-0', services: [] });
    expect(spec.source).toMatchObject({ repository: { strategy: 'clone', objectFormat: 'sha1' } });
  });

  it('leads nowhere else by its names, and has no variables that can not be', () => {
    const keys = ['', 'A=B', 'a b', '../F', '..', 'G'];
    const variables = keys.map((key) => ({ key, value: '1', file: key.startsWith('.') || key === 'G' }));
    const { spec } = made({ variables, job_info: { project_full_path: '../../tmp/./x/' } });
    expect(spec.variables.map(({ name }) => name)).toEqual(['a b', 'G']);
    expect(spec.projectPath).toBe('tmp/x');
    expect(made({ job_info: { project_full_path: '../..', project_id: 4 } }).spec.projectPath).toBe('project-4');
  });

  it('clones from clone_url with the login of the job', () => {
    const payload = { git_info: { repo_url: 'https://gitlab-ci-token:pw@gitlab.example.com/g/app.git' } };
    const { spec } = made(payload, runnerOf({ clone_url: 'http://inside:8080/gitlab/' }));
    expect(spec.source).toMatchObject({
      repository: { url: 'http://gitlab-ci-token:pw@inside:8080/gitlab/g/app.git' },
    });
  });

  it('lives in the order of GitLab Runner', () => {
    const { spec } = made(
      {
        hooks: [{ name: 'pre_get_sources_script', script: ['echo hook'] }],
        steps: [
          { name: 'after_script', script: ['echo after'] },
          { name: 'script', script: ['make'] },
          { name: 'release', script: ['release-cli'] },
        ],
        cache: [
          { key: 'a', paths: ['x'], policy: '$P', when: 'always', fallback_keys: ['b'] },
          { key: 'none', paths: [] },
          { key: 'c', paths: ['x'], when: 'on_sucess' },
        ],
        artifacts: [
          { paths: ['out'], artifact_type: 'archive', artifact_format: 'zip', expire_in: '1 day', exclude: ['out/x'] },
          { name: 'junit.xml.gz', paths: ['j.xml'], artifact_type: 'junit', artifact_format: 'gzip', when: 'always' },
          { paths: ['never'], artifact_type: 'archive', when: 'sometimes' },
          { paths: [], artifact_type: 'archive' },
        ],
      },
      runnerOf({
        pre_get_sources_script: 'echo own',
        post_get_sources_script: 'echo got',
        pre_build_script: 'set -x',
        post_build_script: 'echo done',
      }),
    );
    const told = spec.steps.map((step) =>
      step.kind === 'run' ? [step.name, step.phase, ...step.script] : [step.kind, step.phase],
    );
    expect(told).toEqual([
      ['pre_get_sources_script', 'prepare', 'echo own', 'echo hook'],
      ['checkout', 'prepare'],
      ['post_get_sources_script', 'prepare', 'echo got'],
      ['restore-cache', 'prepare'],
      ['restore-cache', 'prepare'],
      ['download-artifacts', 'prepare'],
      ['step_script', 'script', 'set -x', 'make', 'echo done'],
      ['step_release', 'script', 'set -x', 'release-cli', 'echo done'],
      ['after_script', 'after', 'echo after'],
      ['save-cache', 'finish'],
      ['upload-artifacts', 'finish'],
      ['upload-artifacts', 'finish'],
    ]);
    expect(spec.steps.find(({ kind }) => kind === 'restore-cache')).toMatchObject({
      keys: [{ text: 'a' }, { text: 'b' }],
      policy: '$P',
    });
    expect(spec.steps.find(({ kind }) => kind === 'save-cache')).toMatchObject({ when: 'always', overwrite: true });
    expect(spec.steps.slice(-2)).toMatchObject([
      {
        type: 'archive',
        when: 'on_success',
        exclude: ['out/x'],
        expireInMs: 86_400_000,
        asked: { format: 'zip', expireIn: '1 day' },
      },
      { type: 'junit', when: 'always', name: 'junit.xml.gz', asked: { format: 'gzip', expireIn: '' } },
    ]);
  });
});

describe('containers', () => {
  it('runs in the image of the job, else in that of the file', () => {
    expect(made({}, inDocker()).spec.image).toMatchObject({ name: 'own' });
    expect(made({ image: { name: '', entrypoint: ['x'] } }, inDocker()).spec.image).not.toHaveProperty('entrypoint');
    expect(made({ image: {} }, inDocker()).spec.steps[0]).not.toMatchObject({ kind: 'refuse' });
    const image = {
      name: 'ruby',
      entrypoint: [''],
      executor_opts: { docker: { user: 1000, platform: 'linux/arm64' } },
    };
    expect(made({ image }, inDocker()).spec.image).toMatchObject({
      name: 'ruby',
      entrypoint: [''],
      user: '1000',
      platform: 'linux/arm64',
    });
    expect(made({ image }, inDocker({ disable_entrypoint_overwrite: true })).spec.image).not.toHaveProperty(
      'entrypoint',
    );
    expect(made({ image }).spec).not.toHaveProperty('image');
  });

  it('has the services of the file before those of the job', () => {
    const services = [{ name: 'redis', alias: 'cache, store', command: ['x'], variables: [{ key: 'V', value: '1' }] }];
    const own = [{ name: 'postgres', alias: 'db', environment: ['POSTGRES_PASSWORD=x'] }];
    expect(made({ services }, inDocker({ services: own })).spec.services).toMatchObject([
      { name: 'postgres', aliases: ['db'], variables: [{ name: 'POSTGRES_PASSWORD', value: 'x' }] },
      { name: 'redis', aliases: ['cache', 'store'], command: ['x'], variables: [{ name: 'V', value: '1' }] },
    ]);
  });
});

describe('what can not be run', () => {
  it.each([
    ['unknown options', { image: { name: 'x', executor_opts: { blammo: {} } } }, inDocker(), 'runner_system_failure'],
    ['functions', { run: '[{"step": "x"}]' }, runnerOf(), 'runner_unsupported'],
    ['secrets', { secrets: { KEY: { vault: {} } } }, runnerOf(), 'runner_unsupported'],
    ['no image', {}, runnerOf({ executor: 'docker' }), 'runner_configuration_error'],
  ])('refuses %s', (_, payload, runner, reason) => {
    expect(made(payload, runner).spec.steps[0]).toMatchObject({ kind: 'refuse', reason });
  });

  it('ends with 3 by unknown options, as with GitLab Runner', () => {
    const { spec } = made({ image: { name: 'x', executor_opts: { docker: { blammo: 1 } } } });
    expect(refusalOf(spec)).toMatchObject({ exit: { kind: 'code', code: 3 } });
  });

  it('shows no commands where the owner of the machine does not want that', () => {
    const payload = {
      variables: [
        { key: 'CI_DEBUG_TRACE', value: 'true' },
        { key: 'A', value: 'true' },
      ],
    };
    const values = (table: Record<string, unknown>) =>
      made(payload, runnerOf(table)).spec.variables.map(({ value }) => value);
    expect(values({})).toEqual(['true', 'true']);
    expect(values({ debug_trace_disabled: true })).toEqual(['false', 'true']);
  });
});
