import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../src/dialects/circle/refusals.ts';
import type { ScriptJobDefinition } from '../../../src/model/pipeline.ts';
import type { MapNode } from '../../../src/syntax/node.ts';
import { parseYaml } from '../../../src/syntax/parse.ts';
import { type CompiledText, compileText } from '../../support/compile-text.ts';

const linux = { platform: 'linux', arch: 'x64' };
const bodyOf = (text: string): MapNode => parseYaml('config.yml', `{${text}}`, 'yaml-1.2').value![0] as MapNode;

async function compiled(jobs: string, workflow = 'jobs: [a]'): Promise<CompiledText> {
  return compileText(`version: 2.1\njobs:\n  a: ${jobs}\nworkflows:\n  w:\n    ${workflow}\n`, {
    file: '.circleci/config.yml',
  });
}

async function jobOf(body: string, entry = 'a'): Promise<ScriptJobDefinition & { readonly codes: readonly string[] }> {
  const { jobs, codes } = await compiled(body, `jobs: [${entry}]`);
  return { ...(jobs[0] as ScriptJobDefinition), codes };
}

describe('a job that can not be run here', () => {
  it.each([
    ['docker: [{image: a}]', linux, undefined],
    ['docker: [{image: a}], resource_class: arm.medium', linux, undefined],
    ['docker: [{image: a}]', { platform: 'darwin', arch: 'arm64' }, undefined],
    ['machine: true', linux, undefined],
    ['machine: {image: "ubuntu-2204:current"}, resource_class: large', linux, undefined],
    ['machine: {image: "ubuntu-2204:current"}, resource_class: gpu.nvidia.small', linux, undefined],
    ['machine: {image: "android:2024.11.1"}', linux, undefined],
    ['machine: {image: "ubuntu-2204:current"}', { platform: 'darwin', arch: 'arm64' }, 'the job runs on Linux'],
    [
      'machine: {image: "ubuntu-2204:current"}, resource_class: arm.large',
      linux,
      'the job runs on a machine with an Arm processor',
    ],
    ['machine: {image: a, resource_class: arm.large}', linux, 'the job runs on a machine with an Arm processor'],
    ['machine: {image: a}, resource_class: arm.large', { platform: 'linux', arch: 'arm64' }, undefined],
    ['machine: {image: "windows-server-2022-gui:current"}', linux, 'the job runs on Windows'],
    ['machine: windows-server-2022-gui:current', linux, 'the job runs on Windows'],
    ['machine: {image: a}, resource_class: windows.medium', linux, 'the job runs on Windows'],
    ['machine: true, resource_class: my/runner', { platform: 'darwin', arch: 'arm64' }, undefined],
    ['macos: {xcode: 15.0.0}', linux, 'the job runs on macOS'],
    ['macos: {xcode: 15.0.0}, resource_class: m4pro.medium', { platform: 'darwin', arch: 'arm64' }, undefined],
    ['macos: {xcode: 15.0.0}', { platform: undefined, arch: undefined }, undefined],
  ] as const)('%s on %j: %s', (body, machine, why) => {
    const refusal = refusalOf([], bodyOf(body), machine);
    if (why === undefined) expect(refusal).toBeUndefined();
    else
      expect(refusal).toMatchObject({
        kind: 'refuse',
        reason: 'runner_unsupported',
        message: expect.stringContaining(why),
      });
  });
});

describe('containers', () => {
  const steps = 'steps: [checkout]';
  it('have no program of their own in the first place, and one where they stand beside', async () => {
    const body = `{docker: [{image: a, entrypoint: x, command: [y], user: me}, {image: b, entrypoint: x, command: "y $Z", environment: {E: 1}}], ${steps}}`;
    const { image, services, codes } = await jobOf(body);
    expect(image).toMatchObject({ name: 'a', entrypoint: [], user: 'me' });
    expect(services).toMatchObject([
      { name: 'b', entrypoint: ['x'], command: ['y', '$$Z'], variables: [{ name: 'E', value: '1' }] },
    ]);
    expect(codes).toEqual(['warning circle/not-run', 'warning circle/not-run']);
  });

  it('are pulled with the login of the file', async () => {
    const auth = 'auth: {username: me, password: $PASSWORD}';
    const { image, services } = await jobOf(
      `{docker: [{image: a, ${auth}}, {image: b, auth: {username: me}}], ${steps}}`,
    );
    expect(image?.login).toEqual({ username: 'me', password: '$PASSWORD' });
    expect(services[0]).not.toHaveProperty('login');
    const aws = 'aws_auth: {aws_access_key_id: a, aws_secret_access_key: $B}';
    expect((await jobOf(`{docker: [{image: a, ${aws}}], ${steps}}`)).codes).toEqual(['warning circle/not-run']);
  });

  it('are those of the processor that the class names', async () => {
    const { image, services } = await jobOf(`{docker: [{image: a}, {image: b}], resource_class: arm.large, ${steps}}`);
    expect([image?.platform, services[0]?.platform]).toEqual(['linux/arm64', 'linux/arm64']);
    expect((await jobOf(`{docker: [{image: a}], resource_class: large, ${steps}}`)).image).not.toHaveProperty(
      'platform',
    );
  });
});

describe('workflows', () => {
  const body = '{machine: true, steps: [checkout]}';
  it('give their jobs contexts', async () => {
    expect((await jobOf(body, 'a: {context: [one, two words]}')).variableSets).toEqual(['one', 'two words']);
    expect((await jobOf(body, 'a: {context: one}')).variableSets).toEqual(['one']);
    expect(await jobOf(body)).not.toHaveProperty('variableSets');
  });

  it('are run again from where they failed', async () => {
    const { jobs } = await compiled(body, 'max_auto_reruns: 3\n    jobs: [a]');
    expect(jobs[0]).toMatchObject({ retry: { max: 3, counts: 'way' } });
    expect((await compiled(body, 'max_auto_reruns: 6\n    jobs: [a]')).codes).toEqual(['error circle/wrong-type']);
  });

  it.each([
    ['{type: no-op}', 'on_success', []],
    ['{type: release, plan_name: x}', 'on_success', ['warning circle/not-run']],
    ['{type: lock, key: x}', 'on_success', ['warning circle/not-run']],
    ['{type: unlock, key: x}', 'on_success', ['warning circle/not-run']],
  ])('pass over %s', async (job, when, codes) => {
    const { kind, when: found, codes: told } = (await jobOf(job)) as unknown as Record<string, unknown>;
    expect({ kind, when: found, told }).toEqual({ kind: 'approval', when, told: codes });
  });

  it('wait for somebody', async () => {
    const { jobs } = await compiled(body, 'jobs: [{hold: {type: approval}}, {a: {requires: [hold]}}]');
    expect(jobs[0]).toMatchObject({ kind: 'approval', when: 'manual', allowFailure: false });
  });
});
