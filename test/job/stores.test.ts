import { describe, expect, it } from 'vitest';
import { parseDotenv } from '../../src/job/dotenv.ts';
import { SystemError } from '../../src/model/outcome.ts';
import type { ArtifactPort } from '../../src/model/ports.ts';
import type { CacheKey, RestoreCacheStep, Step } from '../../src/model/step.ts';
import { done, memoryExecutor } from '../support/memory-session.ts';
import { live, memoryArtifacts, memoryCaches, save, script, specOf, tree, upload } from './job.ts';

const project = '/builds/group/project';

/** A session that has these files once the script has run. */
const makes = (files: Readonly<Record<string, string>>) =>
  memoryExecutor((_command, _signal, all) => {
    for (const [path, text] of Object.entries(files)) all.set(path.startsWith('/') ? path : `${project}/${path}`, text);
    return done;
  });

const restore = (keys: readonly (string | CacheKey)[], rest: Partial<RestoreCacheStep> = {}): RestoreCacheStep => ({
  kind: 'restore-cache',
  phase: 'script',
  when: 'on_success',
  keys: keys.map((key) => (typeof key === 'string' ? { kind: 'text', text: key } : key)),
  match: 'exact',
  paths: ['vendor'],
  ...rest,
});

describe('caches', () => {
  it('are looked for by key, fallback keys and CACHE_FALLBACK_KEY in turn', async () => {
    const caches = memoryCaches({ last: tree({ 'vendor/v': 'V' }) });
    const variables = [
      { name: 'CI_COMMIT_REF_SLUG', value: 'topic' },
      { name: 'CACHE_FALLBACK_KEY', value: 'last' },
    ];
    const executor = memoryExecutor();
    const { log } = await live(specOf([restore(['$CI_COMMIT_REF_SLUG', 'main'])], { variables }), executor, { caches });
    expect(caches.asked).toEqual(['topic', 'main', 'last']);
    expect(executor.files.get(`${project}/vendor/v`)).toBe('V');
    expect(log).toContain('Checking cache for last...\nSuccessfully extracted cache\n');
  });

  it.each(['main-protected', 'main-protected/.', 'main-protected%2f', 'x/%2e%2e/main-protected'])(
    'of protected branches are no fallback: %s',
    async (value) => {
      const caches = memoryCaches();
      const variables = [{ name: 'CACHE_FALLBACK_KEY', value }];
      await live(specOf([restore(['a'])], { variables }), memoryExecutor(), { caches });
      expect(caches.asked).toEqual(['a']);
    },
  );

  it('may be found by the beginning of their key', async () => {
    const caches = memoryCaches({ 'v1-abc': tree({ x: '1' }) });
    const { log } = await live(specOf([restore(['v1-'], { match: 'prefix' })]), memoryExecutor(), { caches });
    expect(log).toContain('Found cache v1-abc');
  });

  it('follow their policy, which may be a variable', async () => {
    const caches = memoryCaches({ a: tree({ x: '1' }) });
    const variables = [{ name: 'POLICY', value: 'pull' }];
    const steps = [
      restore(['a'], { policy: 'push' }),
      restore(['a'], { policy: '$POLICY' }),
      save('a', { policy: '$POLICY' }),
    ];
    const { log } = await live(specOf(steps, { variables }), makes({ 'vendor/v': 'V' }), { caches });
    expect(log).toContain('Not downloading cache a due to policy');
    expect(log).toContain('Not uploading cache a due to policy');
    expect(caches.asked).toEqual(['a']);
    expect(caches.written).toEqual({});
  });

  it('fail the job with a policy that nobody knows, before its script', async () => {
    const caches = memoryCaches({ a: tree({ x: '1' }) });
    const variables = [{ name: 'POLICY', value: 'psuh' }];
    const policy = { policy: '$POLICY' };
    const { result, log } = await live(
      specOf([restore(['a'], policy), script('make'), save('a', { ...policy, when: 'always' })], { variables }),
      makes({ 'vendor/v': 'V' }),
      { caches },
    );
    expect(result.outcome).toMatchObject({ status: 'failed', message: 'unknown cache policy psuh for a' });
    expect(log).not.toContain('$ make');
    expect([caches.asked, caches.written]).toEqual([[], {}]);
  });

  it('keep the key that their files gave first', async () => {
    const caches = memoryCaches();
    const key: CacheKey = { kind: 'files', files: ['lock', 'missing'], prefix: 'p' };
    const executor = makes({ lock: 'changed by the script', 'vendor/v': 'V' });
    executor.files.set(`${project}/lock`, 'as checked out');
    await live(specOf([restore([key]), script('x'), save('', { key })]), executor, { caches });
    expect(caches.asked[0]).toMatch(/^p-[0-9a-f]{40}$/);
    expect(Object.keys(caches.written)).toEqual(caches.asked);
  });

  it.each([
    [{ kind: 'files', files: ['missing'] }, 'default'],
    [{ kind: 'files', files: ['missing'], prefix: '$P' }, 'pre-default'],
    [{ kind: 'text', text: '$NOTHING' }, 'default'],
    [{ kind: 'template', text: 'v1-{{ .Branch }}-{{ .Environment.P }}-{{ arch }}' }, 'v1-main-pre-linux-amd64'],
    [{ kind: 'template', text: '{{ .Revision }}/{{.BuildNum}}/{{ epoch }}' }, 'c0ffee/7/1700000000'],
    [{ kind: 'template', text: 'v-{{ checksum "lock" }}' }, 'v-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='],
    [{ kind: 'template', text: '{{ .CheckoutKey }}' }, 'local'],
  ] as const)('have the key of %j: %s', async (key, expected) => {
    const caches = memoryCaches();
    const variables = [
      { name: 'P', value: 'pre' },
      { name: 'CI_COMMIT_BRANCH', value: 'main' },
      { name: 'CIRCLE_SHA1', value: 'c0ffee' },
      { name: 'CI_JOB_ID', value: '7' },
    ];
    const executor = memoryExecutor();
    executor.files.set(`${project}/lock`, 'a');
    await live(specOf([restore([key])], { variables }), executor, { caches });
    expect(caches.asked).toEqual([expected]);
  });

  it.each([
    ['v-{{ checksum "missing" }}', `there is no file ${project}/missing`],
    ['v-{{ checksum "/a/$P" }}', 'there is no file /a/$P'],
    ['v-{{ .Brunch }}', 'there is nothing that {{ .Brunch }} stands for'],
  ])('with the key %s, which can not be made, are left alone', async (text, problem) => {
    const caches = memoryCaches({ 'v-': tree({ x: '1' }) });
    const key: CacheKey = { kind: 'template', text };
    const steps = [restore([key, { kind: 'text', text: 'other' }]), script('x'), save('', { key })];
    const { result, log } = await live(specOf(steps), makes({ 'vendor/v': 'V' }), { caches });
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain(`WARNING: the cache key ${text} can't be made: ${problem}`);
    expect(caches.asked).toEqual(['other']);
    expect(caches.written).toEqual({});
  });

  it('that fail are a warning, bugs are not', async () => {
    const broken = memoryCaches();
    const refuse = () => Promise.reject(new SystemError('runner_system_failure', 'disk full'));
    const caches = { ...broken, restore: refuse, save: refuse };
    const { result, log } = await live(specOf([restore(['a']), script('x'), save('a')]), memoryExecutor(), { caches });
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain('WARNING: Failed to extract cache: disk full');
    expect(log).toContain('WARNING: Failed to create cache: disk full');
    const bug = { ...broken, restore: () => Promise.reject(new TypeError('bug')) };
    await expect(live(specOf([restore(['a'])]), memoryExecutor(), { caches: bug })).rejects.toThrow('bug');
  });

  it('are left out without a store', async () => {
    const { sections } = await live(specOf([restore(['a']), save('a')]));
    expect(sections.join()).not.toContain('cache');
  });
});

describe('artifacts', () => {
  it('have their texts expanded and warn of what is not there', async () => {
    const artifacts = memoryArtifacts();
    const variables = [{ name: 'OUT', value: 'dist' }];
    const step = upload(['$OUT/app', 'missing/*'], { name: '$OUT-1' });
    const { result, log } = await live(specOf([script('x'), step], { variables }), makes({ 'dist/app': 'A' }), {
      artifacts,
    });
    expect(artifacts.stored[0]).toMatchObject({ step: { name: 'dist-1' }, files: { 'dist/app': 'A' } });
    expect(result.outputs.artifacts).toMatchObject([{ type: 'archive', name: 'dist-1', files: 1 }]);
    expect(log).toContain('dist/app: found 1 matching artifact files and directories\n');
    expect(log).toContain(
      `WARNING: missing/*: no matching files. Ensure that the artifact path is relative to the working directory (${project})\n`,
    );
  });

  it('that match nothing do not fail the job', async () => {
    const { result, log } = await live(specOf([script('x'), upload(['dist'])]));
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain('No files to upload\n');
  });

  it('that cannot be stored make none due that is for jobs whose scripts fail', async () => {
    const stored: string[] = [];
    const store: ArtifactPort['store'] = async (_, { type }) => {
      stored.push(type);
      if (type === 'archive') throw new SystemError('script_failure', 'too large');
      return undefined;
    };
    const types = { archive: 'on_success', dotenv: 'on_failure', dast: 'on_success', junit: 'always' } as const;
    const steps = Object.entries(types).map(([type, when]) => upload(['dist'], { type, when }));
    const { result, sections } = await live(specOf([script('x'), ...steps]), memoryExecutor(), {
      artifacts: { ...memoryArtifacts(), store },
    });
    expect(result.outcome).toMatchObject({ status: 'failed', message: 'too large' });
    expect(stored).toEqual(['archive', 'junit']);
    expect(sections).not.toContain('upload_artifacts_on_failure');
  });

  it('that cannot be stored fail the job, but not over the script', async () => {
    const store = () => Promise.reject(new SystemError('runner_system_failure', 'disk full'));
    const artifacts = { ...memoryArtifacts(), store };
    const steps = [script('x'), upload(['dist'], { when: 'always' })];
    const { result } = await live(specOf(steps), memoryExecutor(), { artifacts });
    expect(result.outcome).toMatchObject({ status: 'failed', reason: 'runner_system_failure', message: 'disk full' });
    const failing = memoryExecutor(() => ({ kind: 'code', code: 2 }));
    const second = await live(specOf(steps), failing, { artifacts });
    expect(second.result.outcome).toMatchObject({ reason: 'script_failure', message: 'exit code 2' });
  });

  it.each([
    ['a directory', ['/tmp/out'], 'logs', { 'logs/a': '1', 'logs/sub/b': '2' }],
    ['a relative directory', ['dist'], 'x/y', { 'x/y/app': 'A' }],
    ['a file', ['dist/app'], 'renamed', { renamed: 'A' }],
    ['the top', ['dist'], '.', { app: 'A' }],
    ['a pattern', ['dist/a*'], 'out', { 'out/app': 'A' }],
    ['several paths', ['dist/app', 'other'], 'out', { 'out/dist/app': 'A', 'out/other': 'O' }],
    ['no way out', ['dist/app'], '../../up', { up: 'A' }],
  ] as const)('land at their destination: %s', async (_name, paths, destination, expected) => {
    const artifacts = memoryArtifacts();
    const executor = makes({ 'dist/app': 'A', other: 'O', '/tmp/out/a': '1', '/tmp/out/sub/b': '2' });
    await live(specOf([script('x'), upload(paths, { destination })]), executor, { artifacts });
    expect(artifacts.stored[0]!.files).toEqual(expected);
    expect([...artifacts.stored[0]!.entries].sort()).toEqual(Object.keys(expected).sort());
  });

  it('kept for the user, and test reports, may lie outside of the project', async () => {
    const artifacts = memoryArtifacts();
    const report: Step = { kind: 'test-report', phase: 'script', when: 'always', path: '/tmp/out/r.xml' };
    const executor = makes({ '/tmp/out/a': '1', '/tmp/out/r.xml': '<x/>' });
    await live(specOf([script('x'), upload(['/tmp/out'], { type: 'stored' }), report]), executor, { artifacts });
    expect(artifacts.stored.map(({ files }) => files)).toEqual([
      { 'tmp/out/a': '1', 'tmp/out/r.xml': '<x/>' },
      { 'tmp/out/r.xml': '<x/>' },
    ]);
  });

  it('of kind dotenv become variables', async () => {
    const step = upload(['build.env'], { type: 'dotenv', when: 'always' });
    const { result } = await live(specOf([script('x'), step]), makes({ 'build.env': 'A=1\nB = x=$A \n' }));
    expect(result.outcome).toEqual({ status: 'success' });
    expect(result.outputs.dotenv).toEqual([
      { name: 'A', value: '1', raw: true },
      { name: 'B', value: 'x=$A', raw: true },
    ]);
  });

  it.each([
    ['no pair', 'A=1\nnonsense\n', 'build.env, line 2 is not KEY=VALUE'],
    ['too large', `A=${'x'.repeat(5200)}`, 'build.env is 5 KB or larger'],
    ['of just the size', `A=${'x'.repeat(5118)}`, 'build.env is 5 KB or larger'],
    [
      'of too many variables',
      Array.from({ length: 151 }, (_, index) => `A${index}=`).join('\n'),
      'build.env, 151 variables, at most 150 are allowed',
    ],
  ])('of kind dotenv fail the job when wrong: %s', async (_name, text, message) => {
    const step = upload(['build.env'], { type: 'dotenv', when: 'always' });
    const { result } = await live(specOf([script('x'), step]), makes({ 'build.env': text }));
    expect(result.outcome).toEqual({
      status: 'failed',
      reason: 'script_failure',
      message: `dotenv report is not valid: ${message}`,
    });
    expect(result.outputs.dotenv).toEqual([]);
  });

  it('are judged by who takes them, where that is somebody else', async () => {
    const artifacts = { ...memoryArtifacts(), reportsAreRead: 'elsewhere' } as const;
    const steps = ['dotenv', 'junit'].map((type) => upload(['build.env'], { type, when: 'always' }));
    const files = { 'build.env': `# ${'x'.repeat(6000)}` };
    const { result } = await live(specOf([script('x'), ...steps]), makes(files), { artifacts });
    expect(result.outcome).toEqual({ status: 'success' });
    expect(artifacts.stored).toMatchObject([{ files }, { files }]);
    expect(result.outputs.tests).toBeUndefined();
  });

  it('take test results as junit', async () => {
    const artifacts = memoryArtifacts();
    const step: Step = { kind: 'test-report', phase: 'finish', when: 'always', path: 'results' };
    await live(specOf([script('x'), step]), makes({ 'results/a.xml': '<x/>' }), { artifacts });
    expect(artifacts.stored[0]).toMatchObject({ step: { type: 'junit' }, files: { 'results/a.xml': '<x/>' } });
  });
});

describe('dotenv', () => {
  it.each([
    ['', []],
    ['A=1', ['A=1']],
    ['A=1\r\nB=2\r\n', ['A=1', 'B=2']],
    ['A=', ['A=']],
    ['A="quoted"', ['A="quoted"']],
    ['A=1\nA=2', ['A=2']],
    ['A=1\n\nB=2', 'line 2 is not KEY=VALUE'],
    ['# comment', 'line 1 is not KEY=VALUE'],
    ['A-B=1', 'line 1: a name may hold letters, digits and underscores only'],
    ['=1', 'line 1: a name may hold letters, digits and underscores only'],
  ] as const)('reads %j', (text, expected) => {
    const result = parseDotenv(text);
    const seen = 'problem' in result ? result.problem : result.variables.map(({ name, value }) => `${name}=${value}`);
    expect(seen).toEqual(expected);
  });
});

describe('workspaces', () => {
  const attach: Step = { kind: 'attach-workspace', phase: 'script', when: 'on_success', at: '/tmp/ws' };
  const layer = (job: string, files: Readonly<Record<string, string>>) => ({
    job,
    tree: tree(files),
    entries: Object.keys(files).map((path) => ({ path, type: 'file' as const, sizeBytes: 1 })),
  });

  it('keep files below their root', async () => {
    const artifacts = memoryArtifacts();
    const step: Step = {
      kind: 'persist-workspace',
      phase: 'script',
      when: 'on_success',
      root: '/tmp/ws',
      paths: ['a', 'none'],
    };
    const { log } = await live(specOf([script('x'), step]), makes({ '/tmp/ws/a/b': 'B', '/tmp/ws/c': 'C' }), {
      artifacts,
    });
    expect(artifacts.persisted).toEqual([{ 'a/b': 'B' }]);
    expect(log).toContain('WARNING: none: no matching files in /tmp/ws');
  });

  it('must get something', async () => {
    const artifacts = memoryArtifacts();
    const step: Step = {
      kind: 'persist-workspace',
      phase: 'script',
      when: 'on_success',
      root: '/tmp/ws',
      paths: ['a', 'b/*'],
    };
    const { result, log } = await live(specOf([step, script('later')]), memoryExecutor(), { artifacts });
    expect(result.outcome).toMatchObject({
      status: 'failed',
      message: 'nothing to persist: a, b/* match no files in /tmp/ws',
    });
    expect(log).not.toContain('later');
  });

  it('are laid over each other in order', async () => {
    const artifacts = memoryArtifacts({ layers: [layer('a', { x: 'a', y: 'a' }), layer('b', { x: 'b' })] });
    const workspaceFrom = [
      { id: 'a', name: 'a', after: [] },
      { id: 'b', name: 'b', after: ['a'] },
    ];
    const executor = memoryExecutor();
    const { result } = await live(specOf([attach], { workspaceFrom }), executor, { artifacts });
    expect(result.outcome).toEqual({ status: 'success' });
    expect(executor.files.get('/tmp/ws/x')).toBe('b');
    expect(executor.files.get('/tmp/ws/y')).toBe('a');
  });

  it('refuse the same file of two jobs that ran side by side', async () => {
    const files = Object.fromEntries(['x', 'y', '1', '2', '3', '4', '5'].map((name) => [name, 'same']));
    const artifacts = memoryArtifacts({ layers: [layer('a', files), layer('b', files), layer('c', { x: 'c' })] });
    const workspaceFrom = ['a', 'b', 'c'].map((id) => ({ id, name: id, after: [] }));
    const { result } = await live(specOf([attach], { workspaceFrom }), memoryExecutor(), { artifacts });
    expect(result.outcome).toMatchObject({
      status: 'failed',
      message: 'concurrent jobs a and b both persisted 1, 2, 3, 4, 5 and 2 more',
    });
  });
});
