import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import {
  busyboxLayer,
  registryProgram,
  registryUser,
  removeImagesOf,
  startRegistry,
  type TestRegistry,
} from '../executors/support/registry.ts';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const layer = busyboxLayer();
const isReady = engine?.isLocal === true && registryProgram !== undefined && layer !== undefined;

describe.skipIf(!isReady)('images of a private registry', () => {
  let registry: TestRegistry;
  let image: string;
  let config: string;
  const auth = Buffer.from(`${registryUser.name}:${registryUser.password}`).toString('base64');
  const forget = (): Promise<void> => removeImagesOf(engine!, `localhost:${registry.port}`);

  beforeAll(async () => {
    registry = await startRegistry('login');
    image = `localhost:${registry.port}/group/app:1`;
    config = JSON.stringify({ auths: { [`localhost:${registry.port}`]: { auth } } });
    await registry.put('group/app', '1', { layers: [layer!] });
  });

  afterAll(async () => {
    await forget();
    await registry[Symbol.asyncDispose]();
  });

  const pipeline = (more = ''): Record<string, string> => ({
    '.gitlab-ci.yml': `${more}
one: { image: '${image}', script: [echo in-one] }
two: { image: '${image}', services: [{ name: '${image}', alias: s, command: [sleep, '60'] }], script: [echo in-two] }
`,
  });

  it('are pulled with the login of config.json, and told as events', async () => {
    using project = temporaryProject(pipeline());
    const docker = join(project.home, 'docker');
    mkdirSync(docker, { recursive: true });
    writeFileSync(join(docker, 'config.json'), config);
    const env = { DOCKER_CONFIG: docker };
    const result = await runCi(['run', '--reporter', 'json'], { cwd: project.root, home: project.home, env });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const pulls = readEvents(result.stdout).filter(({ type }) => type === 'image-pull');
    expect(pulls.filter(({ state }) => state === 'started').length).toBeGreaterThanOrEqual(1);
    const ends = pulls.filter(({ state }) => state === 'finished');
    for (const end of ends) {
      expect(end).toMatchObject({ image, layersDone: 1, layersTotal: 1, durationMs: expect.any(Number) });
      // An engine need not tell of layers that it has at once.
      expect(end['bytesDone']).toBe(end['bytesTotal']);
    }
    expect(ends.length).toBeGreaterThanOrEqual(1);
    // Neither what was printed nor what is kept of the run.
    expect(result.stdout + result.stderr).not.toContain(registryUser.password);
    const grep = ['-rl', '-e', registryUser.password, '-e', auth, join(project.home)];
    expect(() => execFileSync('grep', ['--exclude=config.json', ...grep])).toThrow();
    const plain = await runCi(['run'], { cwd: project.root, home: project.home, env });
    expect(plain.stdout).not.toContain('pull');
  });

  it("are pulled with the job's own DOCKER_AUTH_CONFIG, and plain output tells begin and end", async () => {
    await forget();
    using project = temporaryProject(pipeline(`variables: { DOCKER_AUTH_CONFIG: '${config}' }`));
    const result = await runCi(['run', '-j', '1'], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    const lines = result.stdout.split('\n').filter((line) => line.includes('image '));
    expect(lines).toEqual([
      `one > pulling image ${image}`,
      expect.stringMatching(/^one > pulled image localhost:\d+\/group\/app:1(: [\d.]+ [kM]B)?, .*s$/),
    ]);
  });

  it('end with 4 and what to do, when there is no login or no network is wanted', async () => {
    await forget();
    using project = temporaryProject(pipeline());
    const none = await runCi(['run', 'one'], { cwd: project.root, home: project.home });
    expect(none.exitCode, none.stdout).toBe(4);
    expect(none.stdout).toContain(`ERROR: Job failed: image \`${image}\` can't be had from `);
    expect(none.stdout).toContain(`\`docker login localhost:${registry.port}\``);
    const offline = await runCi(['run', 'one', '--offline'], { cwd: project.root, home: project.home });
    expect(offline.exitCode, offline.stdout).toBe(4);
    expect(offline.stdout).toContain('never: `--offline` pulls nothing, and the engine does not have it');
    expect(offline.stdout).toContain(`\`docker pull ${image}\``);
  });

  it('whose names hold a secret are told without it', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `a: { image: 'localhost:${registry.port}/canary-4711/app:1', script: ['true'] }\n`,
    });
    const args = ['run', '--reporter', 'json', '--secret', 'TOKEN'];
    const env = { TOKEN: 'canary-4711' };
    const result = await runCi(args, { cwd: project.root, home: project.home, env });
    expect(result.exitCode, result.stdout + result.stderr).toBe(4);
    expect(readEvents(result.stdout).find(({ type }) => type === 'image-pull')).toMatchObject({
      image: `localhost:${registry.port}/[MASKED]/app:1`,
    });
    expect(result.stdout).not.toContain('canary-4711');
  });
});
