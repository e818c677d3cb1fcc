import { describe, expect, it } from 'vitest';
import type { ReleaseStep, RunStep } from '../../src/model/step.ts';
import { done, memoryExecutor } from '../support/memory-session.ts';
import { checkout, live, memoryArtifacts, script, specOf, tree, upload } from './job.ts';

const raw = (name: string, value: string) => ({ name, value, raw: true });

const release = (rest: Partial<ReleaseStep> = {}): ReleaseStep => ({
  ...{ kind: 'release', phase: 'script', when: 'on_success', tagName: 'v$VERSION', description: 'notes.md' },
  ...{ milestones: ['$MILESTONE', '$NONE'], links: [{ name: 'zip', url: 'https://example.test/$VERSION.zip' }] },
  ...rest,
});

const variables = [raw('VERSION', '1.2'), raw('MILESTONE', 'spring'), raw('CI_COMMIT_SHA', 'abc')];
const writesNotes = () =>
  memoryExecutor(async (_command, _signal, files) => {
    files.set('/builds/group/project/notes.md', '# News\nmore');
    return done;
  });

describe('a release', () => {
  it('is worked out with variables and files, shown, and not made', async () => {
    const { result, log, sections } = await live(specOf([script('make'), release()], { variables }), writesNotes());
    expect(result.outcome).toEqual({ status: 'success' });
    expect(result.outputs.release).toEqual({
      ...{ tagName: 'v1.2', name: 'v1.2', ref: 'abc', description: '# News\nmore', milestones: ['spring'] },
      links: [{ name: 'zip', url: 'https://example.test/1.2.zip' }],
    });
    expect(log).toContain('A GitLab server would create the release "v1.2" of the tag v1.2:');
    expect(log).toContain('  description: # News …\n  milestones: spring\n  asset: zip https://example.test/1.2.zip');
    expect(sections).toContain('step_release');
  });

  it('takes the tag of the pipeline where the expanded name is empty, and texts that are no file as they are', async () => {
    const spec = specOf([script('make'), release({ tagName: '$NONE', description: 'Version $VERSION' })], {
      variables: [...variables, raw('CI_COMMIT_TAG', 'v9')],
    });
    const { result } = await live(spec);
    expect(result.outputs.release).toMatchObject({ tagName: 'v9', description: 'Version 1.2' });
  });

  it.each([
    ['no tag', { tagName: '$NONE' }, '`tag_name` is empty once its variables are expanded'],
    ['a name that is no tag', { tagName: 'a b' }, "`a b` can't be the name of a tag"],
    ['a link without an address', { links: [{ name: 'zip', url: '$NONE' }] }, 'the link `zip` has no valid `url`: ``'],
    ['a date that is none', { releasedAt: 'soon' }, '`released_at` is no date: `soon`'],
  ] as const)('with %s fails the job', async (_what, rest, message) => {
    const { result } = await live(specOf([script('make'), release(rest)], { variables }));
    expect(result.outcome).toMatchObject({
      status: 'failed',
      reason: 'script_failure',
      message: expect.stringContaining(message),
    });
    expect(result.outputs.release).toBeUndefined();
  });

  it('is not looked at when the script has failed', async () => {
    const executor = memoryExecutor(async () => ({ kind: 'code', code: 1 }));
    const { sections } = await live(specOf([script('make'), release()], { variables }), executor);
    expect(sections).not.toContain('step_release');
  });
});

describe('a deployment', () => {
  const environment = { name: 'review/$BRANCH', url: 'https://$HOST/$CI_ENVIRONMENT_SLUG', action: 'start' } as const;
  const steps = [script('make'), upload(['deploy.env'], { type: 'dotenv', when: 'always' })];
  const writes = (code: number) =>
    memoryExecutor(async (_command, _signal, files) => {
      files.set('/builds/group/project/deploy.env', 'HOST=h1.example.test\n');
      return { kind: 'code', code };
    });
  const given = [
    raw('BRANCH', 'topic'),
    raw('CI_ENVIRONMENT_SLUG', 'review-topic'),
    raw('CI_ENVIRONMENT_TIER', 'development'),
  ];
  const span = { file: 'f', start: 0, end: 1 };

  it('has the URL that the job itself left by dotenv', async () => {
    const more = { onStop: { value: 'stop', span }, autoStopIn: '1 week' };
    const spec = specOf(steps, { variables: given, environment: { ...environment, ...more } });
    const { result, log } = await live(spec, writes(0), { artifacts: memoryArtifacts() });
    expect(result.outputs.deployment).toEqual({
      ...{ environment: 'review/topic', state: 'started', tier: 'development', onStop: 'stop', autoStopIn: '1 week' },
      url: 'https://h1.example.test/review-topic',
    });
    expect(log).toContain('Environment review/topic started (https://h1.example.test/review-topic)');
  });

  it('is one that stops, too; other actions and failed jobs deploy nothing', async () => {
    const of = async (action: 'stop' | 'verify' | 'start', code = 0) => {
      const spec = specOf(steps, { variables: given, environment: { ...environment, action } });
      return (await live(spec, writes(code), { artifacts: memoryArtifacts() })).result.outputs.deployment;
    };
    expect(await of('stop')).toMatchObject({ state: 'stopped' });
    expect(await of('verify')).toBeUndefined();
    expect(await of('start', 1)).toBeUndefined();
  });
});

describe('a site', () => {
  const pages = (publish: string) => ({ kind: 'publish-pages', phase: 'finish', when: 'on_success', publish }) as const;
  const writes = () =>
    memoryExecutor(async (_command, _signal, files) => {
      files.set('/builds/group/project/public/index.html', 'hello');
      return done;
    });

  it('is found among the artifacts', async () => {
    const spec = specOf([script('make'), upload(['public']), { ...pages('$FOLDER/'), pathPrefix: 'pr-$N' }], {
      variables: [raw('FOLDER', './public'), raw('N', '7')],
    });
    const { result, log } = await live(spec, writes(), { artifacts: memoryArtifacts() });
    expect(result.outputs.pages).toMatchObject({ publish: 'public', pathPrefix: 'pr-7' });
    expect(result.outputs.pages?.path).toMatch(/\/public$/);
    expect(log).toContain('A GitLab server would publish public, which lies in /');
  });

  it.each(['dist', '../..', '/etc'])('in %s is told to be missing, which fails nothing', async (publish) => {
    const { result, log } = await live(specOf([script('make'), upload(['public']), pages(publish)]), writes());
    expect(result.outcome).toEqual({ status: 'success' });
    expect(result.outputs.pages).toBeUndefined();
    expect(log).toContain(`WARNING: the job left no folder ${publish}`);
  });
});

describe('a hook before the sources', () => {
  const hook: RunStep = { ...script('prepare'), phase: 'prepare', name: 'pre_get_sources_script' };
  const source = () => ({ kind: 'snapshot', tree: tree({ 'README.md': 'hello' }) }) as const;

  it('sees none of them, and its failure keeps the script from starting', async () => {
    const seen: string[][] = [];
    const executor = memoryExecutor(async ({ script: text }, _signal, files) => {
      seen.push([...files.keys()].filter((path) => path.endsWith('README.md')));
      return text.includes('prepare') ? { kind: 'code', code: 4 } : done;
    });
    const { result, sections } = await live(specOf([hook, checkout, script('make')], { source: source() }), executor);
    expect(seen).toEqual([[]]);
    expect(result.outcome).toMatchObject({ status: 'failed', exit: { kind: 'code', code: 4 } });
    expect(sections).not.toContain('step_script');
  });

  it('runs first, then all else', async () => {
    const { result, sections } = await live(specOf([hook, checkout, script('make')], { source: source() }));
    expect(result.outcome).toEqual({ status: 'success' });
    expect(sections.slice(2, 5)).toEqual(['pre_get_sources_script', 'get_sources', 'step_script']);
  });
});

it('a job that is refused says why before anything is made for it', async () => {
  const step = { kind: 'refuse', phase: 'prepare', when: 'on_success', reason: 'runner_unsupported' } as const;
  const spec = specOf([checkout, { ...step, message: 'no such thing here', hint: 'go elsewhere' }]);
  const { result, log } = await live(spec);
  expect(result.outcome).toMatchObject({ status: 'failed', reason: 'runner_unsupported' });
  expect(log).toContain('ERROR: Job failed: no such thing here\ngo elsewhere');
  expect(log).not.toContain('Running on memory');
});
