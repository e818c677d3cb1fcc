import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CredentialHelpers } from '../../../src/executors/docker/credential-helper.ts';
import { type ImageSettings, ImageStore } from '../../../src/executors/docker/images.ts';
import type { ImagePull } from '../../../src/model/image-pull.ts';
import type { JobSpec } from '../../../src/model/job-spec.ts';
import { SystemError } from '../../../src/model/outcome.ts';
import type { Image, PullPolicy } from '../../../src/model/pipeline.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { collect, jobSpec, never } from '../contract.ts';
import { testEngine } from '../support/engine.ts';
import {
  makeLocally,
  ownArchitecture,
  registryProgram,
  registryUser,
  removeImagesOf,
  startRegistry,
  type TestRegistry,
} from '../support/registry.ts';
import { registryProxy, type Verdict } from '../support/registry-proxy.ts';

const engine = await testEngine();
const isReady = engine?.isLocal === true && registryProgram !== undefined;
if (!isReady) console.error('!!! REGISTRY TESTS ARE SKIPPED: they want a local engine and `docker-registry` (Debian)');

const place = mkdtempSync(join(tmpdir(), 'ci-images-'));
const otherArchitecture = ownArchitecture === 'arm64' ? 'amd64' : 'arm64';
const span = { file: 'f', start: 0, end: 0 };

describe.skipIf(!isReady)('images of a real registry', () => {
  let open: TestRegistry;
  let closed: TestRegistry;
  let host: string;
  let closedHost: string;
  const hosts = new Set<string>();
  let count = 0;
  const made: string[] = [];
  const makeHere = async (repository: string, tag: string): Promise<string> => {
    const id = await makeLocally(engine!, repository, tag);
    made.push(id);
    return id;
  };
  /** A name that no other test has. */
  const fresh = (): string => `app${++count}`;

  beforeAll(async () => {
    [open, closed] = await Promise.all([startRegistry('open'), startRegistry('login')]);
    [host, closedHost] = [`localhost:${open.port}`, `localhost:${closed.port}`];
    hosts.add(host).add(closedHost);
  });
  afterAll(async () => {
    for (const one of hosts) await removeImagesOf(engine!, one);
    // Those whose name a pull has taken.
    for (const id of made)
      await engine!.api
        .getImage(id)
        .remove({ force: true })
        .catch(() => {});
    await open[Symbol.asyncDispose]();
    await closed[Symbol.asyncDispose]();
    await removeTree(place);
  });

  /** One run with one store; `ensure` is one job of it. */
  function run(over: Partial<ImageSettings> = {}) {
    const logins = { configDirectory: join(place, 'none'), helpers: new CredentialHelpers({ env: {} }) };
    const settings = {
      engine: engine!,
      retryDelayMs: 1,
      policies: ['if-not-present'] as const,
      offline: false,
      logins,
    };
    const store = new ImageStore({ ...settings, ...over });
    const out = collect();
    const told: ImagePull[] = [];
    let listener: (pull: ImagePull) => void = () => {};
    const watcher = {
      imagePull: (pull: ImagePull) => {
        told.push(pull);
        listener(pull);
      },
    };
    const onPull = (listen: typeof listener): void => {
      listener = listen;
    };
    const ensure = (name: string, image: Partial<Image> = {}, job: Partial<JobSpec> = {}, signal = never) =>
      store.forJob(jobSpec(job), watcher).ensure({ name, span, ...image }, out, signal);
    return { ensure, out, told, onPull };
  }

  async function failure(ensuring: Promise<unknown>): Promise<SystemError> {
    const error = await ensuring.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SystemError);
    expect((error as SystemError).reason).toBe('image_pull_failure');
    return error as SystemError;
  }

  describe('every policy', () => {
    const notThere = 'never: the engine does not have it';
    const unknown =
      /^image `.*` can't be had from .*: (always|if-not-present): manifest for .* not found: manifest unknown/;
    const cases: readonly (readonly [
      PullPolicy,
      'local' | 'remote' | 'both' | 'neither',
      'local' | 'remote' | RegExp | string,
    ])[] = [
      ['always', 'local', /manifest unknown.*; the engine has an image of that name \(built here/],
      ['always', 'remote', 'remote'],
      ['always', 'both', 'remote'],
      ['always', 'neither', unknown],
      ['if-not-present', 'local', 'local'],
      ['if-not-present', 'remote', 'remote'],
      ['if-not-present', 'both', 'local'],
      ['if-not-present', 'neither', unknown],
      ['never', 'local', 'local'],
      ['never', 'remote', notThere],
      ['never', 'both', 'local'],
      ['never', 'neither', notThere],
    ];
    it.each(cases)('%s with an image that is %s: %s', async (policy, where, expected) => {
      const name = fresh();
      const local = where === 'local' || where === 'both' ? await makeHere(`${host}/${name}`, '1') : undefined;
      const digest = where === 'remote' || where === 'both' ? await open.put(name, '1') : undefined;
      const { ensure, out } = run();
      const ensuring = ensure(`${host}/${name}:1`, { pullPolicy: [policy] });
      if (expected === 'local') {
        expect((await ensuring).id).toBe(local);
        expect(out.text()).toContain(`Using locally found image version due to "${policy}" pull policy\n`);
        expect(out.text()).not.toContain('Pulling');
      } else if (expected === 'remote') {
        const facts = await ensuring;
        expect(facts).toMatchObject({ digest: `${host}/${name}@${digest}`, platform: `linux/${ownArchitecture}` });
        expect(facts.id).not.toBe(local);
        expect(out.text()).toMatch(
          /^Pulling docker image .*:1 \.\.\.\nPulled docker image .*:1: (\d+ B in )?1 layer, .*\n/,
        );
        expect(out.text()).toContain(
          `Using docker image ${facts.id} for ${host}/${name}:1 with digest ${facts.digest} ...`,
        );
      } else {
        const error = await failure(ensuring);
        expect(error.message).toMatch(typeof expected === 'string' ? new RegExp(`${expected}$`) : expected);
        expect(out.text()).toContain(`WARNING: Failed to pull image with policy "${policy}": `);
      }
    });

    it('is followed by the next one of a list', async () => {
      const name = `${host}/${fresh()}`;
      const local = await makeHere(name, 'latest');
      const { ensure, out } = run();
      expect((await ensure(name, { pullPolicy: ['always', 'if-not-present'] })).id).toBe(local);
      expect(out.text()).toMatch(
        /WARNING: Failed to pull image with policy "always": manifest for .*\nAttempt #2: Trying "if-not-present" pull policy\n/,
      );
    });

    it('says of an image that was built here what to do', async () => {
      const name = `${host}/${fresh()}`;
      await makeHere(name, 'latest');
      const byFile = await failure(run().ensure(name, { pullPolicy: ['always'] }));
      expect(byFile.hint).toMatch(/`pull_policy: if-not-present`, or `\[always, if-not-present\]`/);
      const byFlag = await failure(run({ policies: ['always'] }).ensure(name));
      expect(byFlag.hint).toContain('`--pull if-not-present`');
    });

    it('says which image of nearly that name there is', async () => {
      const name = `${host}/typo-${fresh()}`;
      await makeHere(name, 'latest');
      const error = await failure(run().ensure(name.replace('typo', 'tpyo')));
      expect(error.hint).toContain(`; did you mean \`${name}:latest\`, which the engine has?`);
    });

    it('always asks again for each job, and once for all images of one job', async () => {
      const name = fresh();
      await open.put(name, 'latest');
      await using proxy = await registryProxy(open.port, () => 'pass');
      hosts.add(proxy.host);
      const { ensure, out } = run({ policies: ['always'] });
      await ensure(`${proxy.host}/${name}`);
      await open.put(name, 'latest');
      await ensure(`${proxy.host}/${name}`);
      await ensure(`${proxy.host}/${name}`);
      expect(proxy.tries()).toBe(3);
      expect(out.text()).toMatch(/Docker image .* is up to date, /);
      const store = new ImageStore({
        ...{ engine: engine!, retryDelayMs: 1, policies: ['always'], offline: false },
        logins: { configDirectory: place, helpers: new CredentialHelpers({ env: {} }) },
      });
      const job = store.forJob(jobSpec());
      for (let time = 0; time < 3; time++) await job.ensure({ name: `${proxy.host}/${name}`, span }, collect(), never);
      expect(proxy.tries()).toBe(4);
    });

    it('pulls nothing offline, whatever the file says, and takes what is there', async () => {
      const name = fresh();
      await open.put(name, 'latest');
      const { ensure, out } = run({ offline: true });
      const error = await failure(ensure(`${host}/${name}`, { pullPolicy: ['always'] }));
      expect(error.message).toContain('`--offline` pulls nothing, and the engine does not have it');
      const local = await makeHere(`${host}/${name}`, 'latest');
      expect((await ensure(`${host}/${name}`, { pullPolicy: ['always'] })).id).toBe(local);
      expect(out.text()).toContain('Using locally found image version due to `--offline`');
    });
  });

  describe('a name', () => {
    it('with a digest is pulled once and found again', async () => {
      const name = fresh();
      const digest = await open.put(name, '1');
      await open.put(name, '1');
      const { ensure, told } = run();
      const image = `${host}/${name}@${digest}`;
      expect((await ensure(image)).digest).toBe(image);
      await run().ensure(image);
      expect((await run().ensure(`${host}/${name}:1@${digest}`, { pullPolicy: ['always'] })).digest).toBe(image);
      expect(told.filter(({ state }) => state === 'finished')).toHaveLength(1);
    });

    it('that is an id is never pulled', async () => {
      const id = await makeHere(`${host}/${fresh()}`, '1');
      const { ensure, out } = run();
      expect((await ensure(id, { pullPolicy: ['always'] })).id).toBe(id);
      expect((await ensure(id.slice('sha256:'.length))).id).toBe(id);
      expect(out.text()).not.toContain('Pulling');
      const error = await failure(ensure(`sha256:${'0'.repeat(64)}`, { pullPolicy: ['always'] }));
      expect(error).toMatchObject({ message: expect.stringContaining('always: the engine does not have it') });
      expect(error.hint).toContain('ids');
    });
  });

  describe('a platform', () => {
    it('is the one that was asked for, also beside another of the same name', async () => {
      const name = fresh();
      await open.putList(name, 'latest', [ownArchitecture, otherArchitecture]);
      const { ensure } = run();
      const own = await ensure(`${host}/${name}`);
      expect(own).toMatchObject({ platform: `linux/${ownArchitecture}`, reference: `${host}/${name}:latest` });
      const other = await ensure(`${host}/${name}`, { platform: `linux/${otherArchitecture}` });
      expect(other).toMatchObject({ platform: `linux/${otherArchitecture}`, reference: other.id });
      // The engine has only the last one under the name.
      expect(await ensure(`${host}/${name}`)).toMatchObject({ id: own.id, reference: own.id });
      const error = await failure(
        run().ensure(`${host}/${name}`, { platform: `linux/${ownArchitecture}`, pullPolicy: ['never'] }),
      );
      expect(error.message).toContain(`never: the engine does not have it for linux/${ownArchitecture}`);
    });

    it('that the only image is not made for is named too', async () => {
      const name = fresh();
      await open.put(name, 'latest', { architecture: otherArchitecture });
      const { ensure, out } = run();
      const error = await failure(ensure(`${host}/${name}`, { platform: `linux/${ownArchitecture}` }));
      expect(error.message).toContain(`it is made for linux/${otherArchitecture}, not for linux/${ownArchitecture}`);
      expect(error.hint).toContain(`not made for linux/${ownArchitecture}`);
      expect(out.text()).not.toContain('try 2');
      expect(await ensure(`${host}/${name}`)).toMatchObject({ platform: `linux/${otherArchitecture}` });
    });

    it('that an image is not made for is named, with one try', async () => {
      const name = fresh();
      await open.putList(name, 'latest', [ownArchitecture]);
      await using proxy = await registryProxy(open.port, () => 'pass');
      const error = await failure(run().ensure(`${proxy.host}/${name}`, { platform: `linux/${otherArchitecture}` }));
      expect(error.message).toContain(`no matching manifest for linux/${otherArchitecture}`);
      expect(error.hint).toContain(`not made for linux/${otherArchitecture}`);
      expect(proxy.tries()).toBe(1);
    });
  });

  describe('a registry that wants a login', () => {
    const written = (password = registryUser.password): string => {
      const auth = Buffer.from(`${registryUser.name}:${password}`).toString('base64');
      return JSON.stringify({ auths: { [closedHost]: { auth } } });
    };
    const variable = (value: string) => ({ variables: [{ name: 'DOCKER_AUTH_CONFIG', value, raw: true }] });

    function configured(config: string, env: Record<string, string> = {}) {
      const configDirectory = join(place, fresh());
      mkdirSync(configDirectory);
      writeFileSync(join(configDirectory, 'config.json'), config);
      return run({ logins: { configDirectory, helpers: new CredentialHelpers({ env }) } });
    }

    it.each(['config.json', 'DOCKER_AUTH_CONFIG', "the job's DOCKER_AUTH_CONFIG"])('takes that of %s', async (from) => {
      const name = fresh();
      await closed.put(name, 'latest');
      const helpers = new CredentialHelpers({ env: {} });
      const { ensure, out } =
        from === 'config.json'
          ? configured(written())
          : from === 'DOCKER_AUTH_CONFIG'
            ? run({ logins: { configDirectory: place, authConfig: written(), helpers } })
            : run();
      await ensure(`${closedHost}/${name}`, {}, from.startsWith('the job') ? variable(written()) : {});
      expect(out.text()).toMatch(
        /Authenticating with credentials from (.*\/config\.json|(the job's )?DOCKER_AUTH_CONFIG)\n/,
      );
      expect(out.text()).not.toContain(registryUser.password);
    });

    it('takes that of a credential helper', async () => {
      const name = fresh();
      await closed.put(name, 'latest');
      const bin = join(place, fresh());
      mkdirSync(bin);
      const answer = JSON.stringify({
        ServerURL: closedHost,
        Username: registryUser.name,
        Secret: registryUser.password,
      });
      writeFileSync(
        join(bin, 'docker-credential-test'),
        `#!/bin/sh\n[ "$(cat)" = ${closedHost} ] && echo '${answer}'\n`,
      );
      chmodSync(join(bin, 'docker-credential-test'), 0o755);
      const config = JSON.stringify({ credHelpers: { [closedHost]: 'test' } });
      await configured(config, { PATH: `${bin}:/usr/bin:/bin` }).ensure(`${closedHost}/${name}`);
      const { ensure, out } = configured(JSON.stringify({ credsStore: 'missing' }), { PATH: bin });
      await failure(ensure(`${closedHost}/${name}:2`));
      expect(out.text()).toMatch(/WARNING: the credential helper docker-credential-missing is not in PATH/);
    });

    it.each(['missing', 'wrong'])('says what to do when it is %s, after one try', async (kind) => {
      const name = fresh();
      await closed.put(name, 'latest');
      await using proxy = await registryProxy(closed.port, () => 'pass');
      const { ensure, out } = run();
      const login = written('wrong-canary').replace(closedHost, proxy.host);
      const error = await failure(ensure(`${proxy.host}/${name}`, {}, kind === 'wrong' ? variable(login) : {}));
      expect(proxy.tries()).toBe(1);
      expect(error.message).toMatch(/no basic auth credentials|unauthorized/);
      expect(error.hint).toMatch(
        kind === 'wrong'
          ? /is the login in the job's DOCKER_AUTH_CONFIG still right/
          : /without a login: `docker login localhost:\d+`/,
      );
      expect(`${error.message} ${error.hint} ${out.text()}`).not.toContain('canary');
    });

    it("does not give one job what only another job's login may have", async () => {
      const name = fresh();
      await closed.put(name, 'latest');
      const { ensure } = run({ policies: ['always'] });
      const image = `${closedHost}/${name}`;
      const [without, withLogin] = await Promise.allSettled([ensure(image), ensure(image, {}, variable(written()))]);
      expect([without.status, withLogin.status]).toEqual(['rejected', 'fulfilled']);
    });
  });

  describe('trouble', () => {
    const isManifest = (path: string): boolean => path.includes('/manifests/');
    const busy = { errors: [{ code: 'TOOMANYREQUESTS', message: 'retry-after: 1ms, allowed: 1/minute' }] };
    const passing: readonly (readonly [string, Verdict, RegExp])[] = [
      ['429', { status: 429, body: JSON.stringify(busy) }, /toomanyrequests/],
      ['500', { status: 500, body: 'oops' }, /500/],
      ['503', { status: 503, body: '{}' }, /503/],
      ['a cut connection', 'cut', /EOF|reset/],
    ];

    it.each(passing)('that passes (%s twice) costs two more tries', async (_name, verdict) => {
      const name = fresh();
      await open.put(name, 'latest');
      await using proxy = await registryProxy(open.port, (path, attempt) =>
        isManifest(path) && attempt < 3 ? verdict : 'pass',
      );
      hosts.add(proxy.host);
      const { ensure, out } = run();
      await ensure(`${proxy.host}/${name}`);
      expect(proxy.tries()).toBe(3);
      expect(out.text().match(/WARNING: pulling .*; try [23] of 3 in /g)).toHaveLength(2);
    });

    it.each(passing)('that stays (%s) is given up after three tries', async (_name, verdict, reason) => {
      await using proxy = await registryProxy(open.port, (path) => (isManifest(path) ? verdict : 'pass'));
      const error = await failure(run().ensure(`${proxy.host}/${fresh()}`));
      expect(proxy.tries()).toBe(3);
      expect(error.message).toMatch(reason);
    });

    it.each([
      [
        '404',
        { status: 404, body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}' },
        /has no such image/,
      ],
      [
        '403',
        { status: 403, body: '{"errors":[{"code":"DENIED","message":"requested access is denied"}]}' },
        /docker login/,
      ],
      [
        '401',
        { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}' },
        /docker login/,
      ],
    ] as const)('that will not pass (%s) is told after one try', async (_name, verdict, hint) => {
      await using proxy = await registryProxy(open.port, (path) => (isManifest(path) ? verdict : 'pass'));
      const error = await failure(run().ensure(`${proxy.host}/${fresh()}`));
      expect(proxy.tries()).toBe(1);
      expect(error.hint).toMatch(hint);
    });

    it('of a registry that is not there is tried three times', async () => {
      const gone = await registryProxy(open.port, () => 'pass');
      await gone[Symbol.asyncDispose]();
      const { ensure, out } = run();
      const error = await failure(ensure(`${gone.host}/${fresh()}`));
      expect(error.message).toContain('connection refused');
      expect(error.hint).toBe(`look at the network: the engine could not talk to ${gone.host}`);
      expect(out.text().match(/try [23] of 3/g)).toHaveLength(2);
    });
  });

  describe('a pull that takes its time', () => {
    const size = 3 << 20;
    const go = deferred();
    afterEach(() => go.resolve());

    it('tells each job that waits how far it is, and is given up with the last of them', async () => {
      const name = fresh();
      const layers = [{ first: Buffer.from(name) }, { second: randomBytes(size) }];
      await open.put(name, 'latest', { layers });
      const verdict = (path: string): Verdict => (path.includes('/blobs/') ? { halfUntil: go.promise } : 'pass');
      await using proxy = await registryProxy(open.port, verdict);
      hosts.add(proxy.host);
      const { ensure, told, onPull, out } = run();
      const progressed = deferred();
      onPull((pull) => {
        if (pull.state === 'progressed' && pull.bytesDone > 0 && pull.bytesTotal > size) progressed.resolve();
      });
      const leaving = new AbortController();
      const image = `${proxy.host}/${name}`;
      const jobs = [ensure(image), ensure(image), ensure(image, {}, {}, leaving.signal)];
      await progressed.promise;
      leaving.abort(new Error('canceled'));
      await expect(jobs[2]).rejects.toThrow('canceled');
      go.resolve();
      await Promise.all(jobs.slice(0, 2));
      expect(proxy.tries()).toBe(1);
      expect(told.filter(({ state }) => state === 'started')).toHaveLength(3);
      expect(told.filter(({ state }) => state === 'failed')).toHaveLength(1);
      const ends = told.filter(({ state }) => state === 'finished');
      expect(ends).toHaveLength(2);
      expect(ends[0]).toMatchObject({ image: `${image}:latest`, layersDone: 2, layersTotal: 2 });
      expect(ends[0]!.bytesTotal).toBeGreaterThan(size);
      expect(ends[0]!.bytesDone).toBe(ends[0]!.bytesTotal);
      expect(out.text()).toMatch(/Pulled docker image .*: 3\.\d MB in 2 layers, /);
    });
  });
});
