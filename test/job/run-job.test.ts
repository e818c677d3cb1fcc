import { describe, expect, it } from 'vitest';
import { JobInterrupted, SystemError } from '../../src/model/outcome.ts';
import { deferred } from '../../src/util/deferred.ts';
import { emptyRepository } from '../support/empty-repository.ts';
import { settled } from '../support/fake-clock.ts';
import { done, memoryExecutor, type Runs, untilAborted } from '../support/memory-session.ts';
import {
  afterScript,
  begin,
  checkout,
  download,
  live,
  memoryArtifacts,
  memoryCaches,
  save,
  script,
  specOf,
  tree,
  upload,
} from './job.ts';

const fails: Runs = ({ script: text }) => (text.includes('make') ? { kind: 'code', code: 3 } : done);

describe('a job', () => {
  it('lives as on GitLab, and its log reads so', async () => {
    const executor = memoryExecutor(async ({ script: text, stdout, stderr }, _signal, files) => {
      if (text.includes('make')) {
        await stdout.write(Buffer.from('$ make\nout\n'));
        await stderr.write(Buffer.from('err\n'));
        files.set('/builds/group/project/dist/a', 'A');
        files.set('/builds/group/project/vendor/v', 'V');
      }
      return done;
    });
    const artifacts = memoryArtifacts({ fetched: { setup: tree({ 'gen/x': 'X' }) } });
    const caches = memoryCaches();
    const steps = [
      checkout,
      {
        kind: 'restore-cache',
        phase: 'prepare',
        when: 'on_success',
        keys: [{ kind: 'text', text: 'main' }],
        match: 'exact',
        paths: ['vendor'],
      },
      download,
      script('make'),
      afterScript('tidy'),
      save('main'),
      upload(['dist']),
    ] as const;
    const spec = specOf(steps, {
      source: { kind: 'snapshot', tree: tree({ 'README.md': 'hello' }) },
      dependencies: [{ id: 'setup', name: 'setup', number: 12 }],
    });
    const { result, log, sections } = await live(spec, executor, { artifacts, caches });
    expect(log).toBe(
      [
        'Running with pipewright 0.1.0 (abc)',
        'Preparing the "fake" executor',
        'Preparing environment',
        'Running on memory...',
        'Getting source from Git repository',
        'Taking the working tree as it was when the run started',
        'Restoring cache',
        'Checking cache for main...',
        'No cache found',
        'Downloading artifacts',
        'Downloading artifacts for setup (12)...',
        'Executing "step_script" stage of the job script',
        '$ make',
        'out',
        'err',
        'Running after_script',
        'Saving cache for successful job',
        'Creating cache main...',
        'Created cache',
        'Uploading artifacts for successful job',
        'Uploading artifacts...',
        'dist: found 1 matching artifact files and directories',
        'Cleaning up project directory and file based variables',
        'Job succeeded',
        '',
      ].join('\n'),
    );
    expect(sections).toEqual([
      'prepare_executor',
      'prepare_script',
      'get_sources',
      'restore_cache',
      'download_artifacts',
      'step_script',
      'after_script',
      'archive_cache',
      'upload_artifacts_on_success',
      'cleanup_file_variables',
    ]);
    expect(result.outcome).toEqual({ status: 'success' });
    expect(executor.files.get('/builds/group/project/README.md')).toBe('hello');
    expect(executor.files.get('/builds/group/project/gen/x')).toBe('X');
    expect(artifacts.stored.map(({ files }) => files)).toEqual([{ 'dist/a': 'A' }]);
    expect(caches.written).toEqual({ main: { 'vendor/v': 'V' } });
    expect(executor.log).toEqual(['disposed']);
  });

  it('colours its lines as GitLab Runner does', async () => {
    const { raw } = await live(specOf([script('make')]), memoryExecutor(fails));
    expect(raw).toContain('\x1b[0KRunning on memory...\x1b[0;m\n');
    expect(raw).toContain('\x1b[0K\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m\n');
    expect(raw).toContain('\x1b[31;1mERROR: Job failed: exit code 3\x1b[0;m\n');
  });

  it('says how it failed in the words that are given', async () => {
    const steps = [script('make'), afterScript('fail')];
    const { log } = await live(specOf(steps), memoryExecutor(fails), { exitWords: 'exit status' });
    expect(log).toContain('ERROR: Job failed: exit status 3\n');
    expect(log).not.toContain('exit code');
  });

  it('marks sections for a server that wants it', async () => {
    const { raw } = await live(specOf([script('x')]), memoryExecutor(), { sections: 'markers' });
    expect(raw).toContain(`section_start:1700000000:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting`);
    expect(raw).toContain('section_end:1700000000:step_script\r\x1b[0K');
  });

  it('runs after_script and what is for failures when the script fails', async () => {
    const executor = memoryExecutor(fails);
    const steps = [
      script('make'),
      script('never'),
      afterScript('tidy'),
      upload(['dist']),
      upload(['logs'], { when: 'on_failure' }),
      upload(['report.xml'], { when: 'always', type: 'junit' }),
    ];
    const { result, sections } = await live(specOf(steps), executor);
    expect(result.outcome).toEqual({
      status: 'failed',
      reason: 'script_failure',
      exit: { kind: 'code', code: 3 },
      message: 'exit code 3',
    });
    expect(executor.commands.map(({ env }) => env.CI_JOB_STATUS)).toEqual(['running', 'failed']);
    expect(sections.slice(2)).toEqual([
      'step_script',
      'after_script',
      'upload_artifacts_on_failure',
      'cleanup_file_variables',
    ]);
  });

  it('runs script steps that are for failures', async () => {
    const executor = memoryExecutor(fails);
    const steps = [
      script('make'),
      script('on success'),
      { ...script('on failure'), when: 'on_failure' as const },
      { ...script('always'), when: 'always' as const },
    ];
    await live(specOf(steps), executor);
    expect(executor.commands.map(({ script: text }) => /on success|on failure|always|make/.exec(text)?.[0])).toEqual([
      'make',
      'on failure',
      'always',
    ]);
  });

  it('runs what is for always after any failed step that came after preparing', async () => {
    const executor = memoryExecutor();
    const artifacts = memoryArtifacts();
    const workspaceLayers = () => Promise.reject(new SystemError('runner_system_failure', 'no layers'));
    const steps = [
      { kind: 'attach-workspace', phase: 'script', when: 'on_success', at: '.' } as const,
      script('make'),
      upload(['x'], { phase: 'script', when: 'always' }),
    ];
    const { sections } = await live(specOf(steps), executor, { artifacts: { ...artifacts, workspaceLayers } });
    expect(executor.commands).toEqual([]);
    expect(sections.slice(2)).toEqual(['attach_workspace', 'upload_artifacts_on_failure', 'cleanup_file_variables']);
  });

  it('does not let after_script change the result', async () => {
    const executor = memoryExecutor(({ env }) => (env.CI_JOB_STATUS === 'success' ? { kind: 'code', code: 9 } : done));
    const { result, log } = await live(specOf([script('make'), afterScript('tidy')]), executor);
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain('WARNING: after_script failed, but job will continue unaffected: exit code 9');
  });

  it('lets after_script change the result where AFTER_SCRIPT_IGNORE_ERRORS says so', async () => {
    const executor = memoryExecutor(({ script: text }) => (text.includes('tidy') ? { kind: 'code', code: 9 } : done));
    const variables = [{ name: 'AFTER_SCRIPT_IGNORE_ERRORS', value: 'false' }];
    const { result } = await live(specOf([script('make'), afterScript('tidy')], { variables }), executor);
    expect(result.outcome).toMatchObject({ status: 'failed', reason: 'script_failure', exit: { code: 9 } });
  });

  it('does not let after_script change the result even when it cannot be started', async () => {
    const executor = memoryExecutor(({ env }) => {
      if (env.CI_JOB_STATUS === 'success') throw new SystemError('runner_system_failure', 'too many variables');
      return done;
    });
    const { result, log } = await live(specOf([script('make'), afterScript('tidy')]), executor);
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain('WARNING: after_script failed: too many variables');
  });

  it.each([
    [{ kind: 'out-of-memory', limitBytes: 32 * 1024 * 1024 }, 'killed: out of memory (limit 32 MB)'],
    [{ kind: 'out-of-memory', code: 137 }, 'killed: out of memory'],
    [
      { kind: 'out-of-memory', limitBytes: 32 * 1024 * 1024, code: 2 },
      'exit code 2; a process was killed: out of memory (limit 32 MB)',
    ],
    [{ kind: 'signal', signal: 'SIGKILL' }, 'killed by SIGKILL'],
    [
      { kind: 'signal', signal: 'SIGKILL', lackOfMemory: 'ruled-out' },
      'killed by SIGKILL, but no process of the job was killed for lack of memory',
    ],
    [
      { kind: 'code', code: 137, lackOfMemory: 'possible' },
      'exit code 137, as after SIGKILL, perhaps for lack of memory: the kernel ended processes for that meanwhile',
    ],
    [{ kind: 'code', code: 137 }, 'exit code 137'],
  ] as const)('tells %j as %s', async (exit, message) => {
    const { result, log } = await live(
      specOf([script('make')]),
      memoryExecutor(() => exit),
    );
    expect(result.outcome).toMatchObject({ status: 'failed', reason: 'script_failure', exit, message });
    expect('hint' in result.outcome).toBe(exit.kind === 'out-of-memory');
    expect(log).toContain(`ERROR: Job failed: ${message}\n`);
  });

  it.each([
    [{ cpuMs: 1500, memoryPeakBytes: 2 * 1024 ** 2 }, 'Used cpu 1.5 s, memory 2 MB\n'],
    [{ cpuMs: 15 }, undefined],
  ] as const)('hands on that it used %j, and tells it in the log where that is much', async (used, line) => {
    const memory = memoryExecutor();
    const open: typeof memory.open = async (...given) => ({
      ...(await memory.open(...given)),
      stats: async () => used,
    });
    const { result, log } = await live(specOf([script('make')]), { ...memory, open });
    expect(result.outputs.resources).toEqual(used);
    if (line === undefined) expect(log).not.toContain('Used');
    else expect(log).toContain(line);
  });

  it('skips scripts and after_script when preparing fails, but not what is for failures', async () => {
    const executor = memoryExecutor();
    const artifacts = memoryArtifacts();
    const fetch = () =>
      Promise.reject(new SystemError('runner_system_failure', 'store is gone', { hint: 'look there' }));
    const steps = [download, script('make'), afterScript('tidy'), upload(['x'], { when: 'on_failure' })];
    const spec = specOf(steps, { dependencies: [{ id: 'a', name: 'a' }] });
    const { result, log, sections } = await live(spec, executor, { artifacts: { ...artifacts, fetch } });
    expect(executor.commands).toEqual([]);
    expect(sections).toContain('upload_artifacts_on_failure');
    expect(result.outcome).toMatchObject({ status: 'failed', reason: 'runner_system_failure' });
    expect(log).toContain('look there\n');
    expect(log).toContain('ERROR: Job failed (system failure): store is gone\n');
  });

  it('fails when its session cannot be opened', async () => {
    const executor = memoryExecutor(
      () => done,
      () => Promise.reject(new SystemError('image_pull_failure', 'no such image', { hint: 'check the name' })),
    );
    const { result, log } = await live(specOf([script('make')]), executor);
    expect(result.outcome).toEqual({
      status: 'failed',
      reason: 'image_pull_failure',
      message: 'no such image',
      hint: 'check the name',
    });
    expect(log).toContain('ERROR: Job failed: no such image\ncheck the name\n');
  });

  it('throws bugs on after cleaning up', async () => {
    const executor = memoryExecutor(() => {
      throw new TypeError('a bug of ours');
    });
    await expect(live(specOf([script('make')]), executor)).rejects.toThrow('a bug of ours');
    expect(executor.log).toEqual(['disposed']);
  });

  it('waits for a slow log before it goes on', async () => {
    const gate = deferred();
    let wrote = false;
    const executor = memoryExecutor(async ({ stdout }) => {
      await stdout.write(Buffer.from('gated\n'));
      wrote = true;
      return done;
    });
    const life = begin(specOf([script('make')]), executor, {
      sink: { write: (bytes) => (Buffer.from(bytes).includes('gated') ? gate.promise : Promise.resolve()) },
    });
    await settled();
    expect(wrote).toBe(false);
    gate.resolve();
    await life.ended;
    expect(wrote).toBe(true);
  });

  it('reads its coverage off the log', async () => {
    const executor = memoryExecutor(async ({ stdout }) => {
      for (const part of ['Total: 10', '.5%\nTotal: 8', '1.25%\nend\n']) await stdout.write(Buffer.from(part));
      return done;
    });
    const spec = specOf([script('make')], { coverage: 'Total: (\\d+\\.\\d+)%' });
    expect((await live(spec, executor)).result.outputs.coverage).toBe(81.25);
  });
});

describe('time limits', () => {
  const steps = [script('sleep'), afterScript('tidy'), upload(['x'], { when: 'always' })];
  const endless: Runs = ({ env }, signal) => (env.CI_JOB_STATUS === 'running' ? untilAborted(signal) : done);

  it('end the job without after_script and uploads, but with cleaning up', async () => {
    const executor = memoryExecutor(endless);
    const life = begin(specOf(steps, { timeoutMs: 3_600_000 }), executor);
    await life.clock.advance(3_599_999);
    expect(executor.log).toEqual([]);
    await life.clock.advance(1);
    const { result, log, sections } = await life.ended;
    expect(result.outcome).toMatchObject({ status: 'failed', reason: 'job_execution_timeout' });
    expect(log).toContain('ERROR: Job failed: execution took longer than 1h0m0s seconds\n');
    expect(sections.slice(2)).toEqual(['step_script', 'cleanup_file_variables']);
    expect(executor.log).toEqual(['disposed']);
  });

  it('of RUNNER_SCRIPT_TIMEOUT leave time for after_script and uploads', async () => {
    const executor = memoryExecutor(endless);
    const life = begin(specOf(steps, { variables: [{ name: 'RUNNER_SCRIPT_TIMEOUT', value: '90s' }] }), executor);
    await life.clock.advance(90_000);
    const { result, sections } = await life.ended;
    expect(result.outcome).toMatchObject({
      reason: 'job_execution_timeout',
      message: 'execution took longer than 1m30s seconds',
    });
    expect(executor.commands[1]!.env.CI_JOB_STATUS).toBe('timedout');
    expect(sections.slice(2)).toEqual([
      'step_script',
      'after_script',
      'upload_artifacts_on_failure',
      'cleanup_file_variables',
    ]);
  });

  it.each([
    [{}, 300_000, '5m0s'],
    [{ RUNNER_AFTER_SCRIPT_TIMEOUT: '1m' }, 60_000, '1m0s'],
  ])('of after_script with %j', async (variables, limitMs, shown) => {
    const executor = memoryExecutor(({ env }, signal) =>
      env.CI_JOB_STATUS === 'running' ? done : untilAborted(signal),
    );
    const list = Object.entries(variables).map(([name, value]) => ({ name, value: String(value) }));
    const life = begin(specOf(steps, { variables: list }), executor);
    await life.clock.advance(limitMs - 1);
    expect(life.text()).not.toContain('WARNING');
    await life.clock.advance(1);
    const { result, log } = await life.ended;
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain(`WARNING: after_script took longer than ${shown} and was ended`);
  });

  it.each([0, -86_400_000, 86_400_000])(
    'of silence start again with every output, also where the clock is set by %i ms',
    async (byMs) => {
      const speak = deferred();
      const executor = memoryExecutor(async ({ stdout }, signal) => {
        await speak.promise;
        await stdout.write(Buffer.from('still here\n'));
        return untilAborted(signal);
      });
      const life = begin(specOf([{ ...script('x'), noOutputTimeoutMs: 600_000 }]), executor);
      await life.clock.advance(500_000);
      speak.resolve();
      await settled();
      life.clock.set(byMs);
      await life.clock.advance(599_000);
      expect(executor.log).toEqual([]);
      await life.clock.advance(1_000);
      const { result } = await life.ended;
      expect(result.outcome).toMatchObject({
        reason: 'job_execution_timeout',
        message: 'too long with no output (exceeded 10m0s)',
      });
    },
  );

  it('leave no timer behind', async () => {
    const life = begin(specOf([{ ...script('x'), noOutputTimeoutMs: 1000, timeoutMs: 1000 }, afterScript('y')]));
    await life.ended;
    await settled();
    expect(life.clock.sleepers).toBe(0);
  });
});

describe('a failure', () => {
  it('is told without secrets', async () => {
    const executor = memoryExecutor(
      () => done,
      () => Promise.reject(new SystemError('image_pull_failure', "image `hunter22/tool` can't be had")),
    );
    const variables = [{ name: 'REGISTRY', value: 'hunter22', masked: true }];
    const { result } = await live(specOf([script('x')], { variables }), executor);
    expect(result.outcome).toMatchObject({ message: "image `[MASKED]/tool` can't be had" });
  });
});

describe('canceling', () => {
  const steps = [script('sleep'), script('next'), afterScript('tidy'), upload(['x'], { when: 'on_failure' })];
  const endless: Runs = ({ env }, signal) => (env.CI_JOB_STATUS === 'running' ? untilAborted(signal) : done);

  it('runs after_script and keeps what was printed', async () => {
    const executor = memoryExecutor(async ({ env, stdout }, signal) => {
      if (env.CI_JOB_STATUS !== 'running') return done;
      await stdout.write(Buffer.from('last line without end'));
      return untilAborted(signal);
    });
    const life = begin(specOf(steps), executor);
    await settled();
    life.cancel.abort(new Error('interrupted'));
    const { result, log, sections } = await life.ended;
    expect(result.outcome).toEqual({ status: 'canceled' });
    expect(executor.commands.map(({ env }) => env.CI_JOB_STATUS)).toEqual(['running', 'canceled']);
    expect(sections).toContain('upload_artifacts_on_failure');
    expect(log).toContain('last line without end');
    expect(log).toContain('WARNING: script canceled');
    expect(log).toContain('ERROR: Job failed: canceled\n');
  });

  it('is what counts, however the script ends then', async () => {
    // `trap 'exit 0' TERM`
    const executor = memoryExecutor(async ({ env }, signal) => {
      if (env.CI_JOB_STATUS === 'running') await untilAborted(signal);
      return done;
    });
    const life = begin(specOf(steps), executor);
    await settled();
    life.cancel.abort(new Error('interrupted'));
    const { result } = await life.ended;
    expect(result.outcome).toEqual({ status: 'canceled' });
    expect(executor.commands.map(({ env }) => env.CI_JOB_STATUS)).toEqual(['running', 'canceled']);
  });

  it('drops everything when aborted', async () => {
    const executor = memoryExecutor(endless);
    const life = begin(specOf(steps), executor);
    await settled();
    life.abort.abort(new Error('again'));
    const { result, sections } = await life.ended;
    expect(result.outcome).toEqual({ status: 'canceled' });
    expect(sections.slice(2)).toEqual(['step_script', 'cleanup_file_variables']);
    expect(executor.log).toEqual(['disposed']);
  });

  it('fails by an interruption, and says which', async () => {
    const life = begin(specOf(steps), memoryExecutor(endless));
    await settled();
    life.abort.abort(new JobInterrupted('aborted: terminated'));
    const { result, log } = await life.ended;
    expect(result.outcome).toMatchObject({ status: 'failed', reason: 'runner_interrupted' });
    expect(log).toContain('ERROR: Job failed: aborted: terminated\n');
  });

  it('ends after_script when aborted after being canceled', async () => {
    const executor = memoryExecutor((_command, signal) => untilAborted(signal));
    const life = begin(specOf(steps), executor);
    await settled();
    life.cancel.abort(new Error('interrupted'));
    await settled();
    expect(executor.commands).toHaveLength(2);
    life.abort.abort(new Error('again'));
    expect((await life.ended).result.outcome).toEqual({ status: 'canceled' });
  });

  it('before the session is open ends the job at once', async () => {
    const executor = memoryExecutor(endless, (signal) =>
      untilAborted(signal).then(() => Promise.reject(signal.reason)),
    );
    const life = begin(specOf(steps), executor);
    await settled();
    life.cancel.abort(new Error('interrupted'));
    const { result, sections } = await life.ended;
    expect(result.outcome).toEqual({ status: 'canceled' });
    expect(sections).toEqual(['prepare_executor']);
  });

  it('before the script ends the job without after_script', async () => {
    const artifacts = memoryArtifacts();
    const life: { begun?: ReturnType<typeof begin> } = {};
    const fetch = async () => {
      life.begun!.cancel.abort(new Error('interrupted'));
      return undefined;
    };
    const executor = memoryExecutor(endless);
    life.begun = begin(specOf([download, ...steps], { dependencies: [{ id: 'a', name: 'a' }] }), executor, {
      artifacts: { ...artifacts, fetch },
    });
    const { result } = await life.begun.ended;
    expect(result.outcome).toEqual({ status: 'canceled' });
    expect(executor.commands).toEqual([]);
  });
});

describe('variables', () => {
  it('are expanded once and say where the job is', async () => {
    const executor = memoryExecutor();
    const variables = [
      { name: 'DIST', value: '$CI_PROJECT_DIR/dist' },
      { name: 'RAW', value: '$DIST', raw: true },
      { name: 'MONEY', value: '5 $$' },
      { name: 'UNKNOWN', value: 'a${NOWHERE}b' },
      { name: 'PATH', value: '/x:$PATH' },
      { name: 'CI_PROJECT_DIR', value: '/somewhere/else' },
      { name: 'TWICE', value: 'first' },
      { name: 'TWICE', value: 'second' },
    ];
    const step = {
      ...script('x'),
      variables: [{ name: 'STEP', value: '$DIST/step', span: { file: '', start: 0, end: 0 } }],
    };
    await live(specOf([step], { variables }), executor);
    expect(executor.commands[0]!.env).toMatchObject({
      DIST: '/builds/group/project/dist',
      RAW: '$DIST',
      MONEY: '5 $',
      UNKNOWN: 'ab',
      PATH: '/x:$PATH',
      CI_PROJECT_DIR: '/builds/group/project',
      CI_BUILDS_DIR: '/builds',
      TWICE: 'second',
      STEP: '/builds/group/project/dist/step',
      CI_JOB_STATUS: 'running',
      CI_JOB_TIMEOUT: '3600',
      CI_JOB_STARTED_AT: '2023-11-14T22:13:20Z',
      CI_SERVER: 'yes',
      CI_SHARED_ENVIRONMENT: 'true',
      CI_RUNNER_VERSION: '0.1.0',
      CI_RUNNER_EXECUTABLE_ARCH: 'linux/amd64',
      CI_CONCURRENT_ID: '0',
    });
  });

  it('of kind file are files that only the user may read, emptied at the end', async () => {
    const seen: (string | undefined)[] = [];
    const executor = memoryExecutor(({ env }, _signal, files) => {
      seen.push(env.KEY, env.USES_KEY, files.get('/builds/group/project.tmp/KEY'));
      return done;
    });
    const variables = [
      { name: 'KEY', value: 'line 1 $HOME\nline 2', file: true },
      { name: 'USES_KEY', value: 'at $KEY' },
    ];
    await live(specOf([script('x')], { variables }), executor);
    const path = '/builds/group/project.tmp/KEY';
    expect(seen).toEqual([path, `at ${path}`, 'line 1 $HOME\nline 2']);
    expect(executor.modes.get(path)).toBe(0o600);
    expect(executor.files.get(path)).toBe('');
  });

  it('of kind file that a server sends are expanded, and what comes of it masked, unless they are raw', async () => {
    const path = '/builds/group/project.tmp';
    const seen: (string | undefined)[] = [];
    const executor = memoryExecutor(async ({ stdout }, _signal, files) => {
      for (const name of ['KEY', 'RAW']) seen.push(files.get(`${path}/${name}`));
      await stdout.write(Buffer.from(`${seen[0]}\n`));
      return done;
    });
    const variables = [
      { name: 'USER', value: 'me' },
      { name: 'KEY', value: 'login $USER $$1$1', file: true, masked: true },
      { name: 'RAW', value: '$USER', file: true, raw: true },
    ];
    const source = { kind: 'repository', repository: emptyRepository } as const;
    const { log } = await live(specOf([script('x')], { variables, source }), executor);
    expect(seen).toEqual(['login me $1', '$USER']);
    expect(log).toContain('[MASKED]\n');
    expect(log).not.toContain('login me');
  });

  it('expand in image and services before the session is opened', async () => {
    const executor = memoryExecutor();
    const span = { file: '', start: 0, end: 0 };
    const spec = specOf([script('x')], {
      variables: [{ name: 'VERSION', value: '20' }],
      image: { name: 'node:$VERSION', span },
      services: [
        {
          name: 'postgres:${VERSION}',
          span,
          aliases: ['db-$VERSION'],
          variables: [{ name: 'PGDATA', value: '/data/$VERSION', span }],
        },
      ],
    });
    await live(spec, executor);
    expect(executor.opened[0]!.image?.name).toBe('node:20');
    expect(executor.opened[0]!.services[0]).toMatchObject({ name: 'postgres:20', aliases: ['db-20'] });
    expect(executor.opened[0]!.services[0]!.variables[0]!.value).toBe('/data/20');
    expect(executor.commands[0]!.env.CI_JOB_IMAGE).toBe('node:20');
  });

  it('that are masked never leave, in the log or in events', async () => {
    const secret = 'p4ssw0rd-x';
    const executor = memoryExecutor(async ({ stdout, stderr }) => {
      await stdout.write(Buffer.from(`a ${secret.slice(0, 4)}`));
      await stdout.write(Buffer.from(`${secret.slice(4)} b https://h/${secret}-1\n`));
      await stderr.write(Buffer.from(`${Buffer.from(secret).toString('base64')} extra-secret\n`));
      return { kind: 'code', code: 1 };
    });
    const variables = [
      { name: 'PASSWORD', value: secret, masked: true },
      { name: 'SHORT', value: 'abc', masked: true },
    ];
    const { raw, events } = await live(specOf([script('x')], { variables }), executor, { secrets: ['extra-secret'] });
    const output = Buffer.concat(events.flatMap((event) => (event.type === 'job-output' ? [event.bytes] : [])));
    expect(output.toString()).toBe(raw);
    expect(raw).toContain('a [MASKED] b https://h/[MASKED]-1\n');
    expect(raw).not.toContain(secret);
    expect(raw).not.toContain('extra-secret');
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
      { job: 'build', message: 'SHORT: shorter than 4 characters, so not masked in logs' },
    ]);
  });
});
