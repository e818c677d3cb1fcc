import { describe, expect, it } from 'vitest';
import { containerTrouble } from '../../../src/executors/docker/container-trouble.ts';
import { engineFailure } from '../../../src/executors/docker/engine-error.ts';
import { SystemError } from '../../../src/model/outcome.ts';

/** Words of engines, and what is made of them. */
const table: readonly (readonly [string, string])[] = [
  ['Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available', 'the engine has no more than 2 CPUs'],
  ['range of CPUs is from 0.01 to 0.50, as there are only 0 CPUs', 'the engine has no more than 0.5 CPUs'],
  ['Requested CPUs are not available - requested 77, available: 0-1', 'the engine has no CPUs 77, only 0-1'],
  ['network nosuch not found', 'the engine has no network `nosuch`'],
  ['unable to find network with name or ID nosuch: network not found', 'the engine has no network `nosuch`'],
  ['unable to find user a b: no matching entries in passwd file', 'the image has no user `a b`'],
  ['Unable to find group x: no matching entries in group file', 'the image has no group `x`'],
  [
    'OCI runtime create failed: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: unknown',
    'the engine may not set a limit of `ulimit` so high',
  ],
  [
    'error gathering device information while adding custom device "/dev/x": no such file or directory',
    "the device `/dev/x` can't be passed on: no such file or directory on the engine's machine",
  ],
  ['could not select device driver "" with capabilities: [[gpu]]', 'the engine can give no GPUs'],
  [
    "error while creating mount source path '/proc/x': mkdir /proc/x: no such file or directory",
    "the directory `/proc/x` can't be mounted: mkdir /proc/x: no such file or directory",
  ],
  ['Duplicate mount point: /b', "a volume can't be mounted: Duplicate mount point: /b"],
  ['invalid mode: bad', "a volume can't be mounted: invalid mode: bad"],
  ['Unknown runtime specified x', 'the engine has no runtime `x`'],
  ['unknown or invalid runtime name: x', 'the engine has no runtime `x`'],
  ['invalid CapAdd: unknown capability: "CAP_NO"', 'there is no capability `NO`'],
  [
    'sysctl "a.b" is not in a separate kernel namespace: unknown',
    "the kernel setting `a.b` is not one of a container's own",
  ],
  [
    'write /proc/sys/kernel/shmmax: invalid argument: unknown',
    "the kernel setting `kernel.shmmax` can't be set: invalid argument",
  ],
  [
    'driver failed: Bind for 0.0.0.0:80 failed: port is already allocated',
    'a port is taken: port is already allocated',
  ],
  ['write /var/lib/docker/x: no space left on device', 'its disk is full'],
  ['No such container: cache', 'the engine has no container `cache`'],
  [`No such container: ${'0f'.repeat(32)}`, "the job's container is gone: somebody has removed it"],
  [
    `no container with name or ID "${'0f'.repeat(32)}" found: no such container`,
    "the job's container is gone: somebody has removed it",
  ],
  ['network ci-3457a47635c6 not found', "the job's network is gone: somebody has removed it"],
  [`network ${'0f'.repeat(32)} not found`, "the job's network is gone: somebody has removed it"],
];

describe('what an engine refuses', () => {
  it.each(table)('%s', (words, what) => {
    expect(containerTrouble(words)).toMatchObject({ what, hint: expect.stringMatching(/\S/) });
  });

  it('stays in its own words where they mean nothing that is known', () => {
    expect(containerTrouble('something new')).toBeUndefined();
  });

  it.each([
    [
      `No such container: ${'0f'.repeat(32)}`,
      'runner_system_failure',
      "container engine E: cannot do it: the job's container is gone: somebody has removed it",
    ],
    ['network x not found', 'runner_configuration_error', 'cannot do it: the engine has no network `x`'],
    ['no space left on device', 'runner_system_failure', 'container engine E: cannot do it: its disk is full'],
    ['something new', 'runner_system_failure', 'container engine E: cannot do it: something new'],
  ])('tells the fault of settings from that of the machine: %s', (message, reason, told) => {
    const answer = Object.assign(new Error('x'), { statusCode: 500, json: { message } });
    const error = engineFailure('E', { kind: 'socket', path: '/x' }, 'do it', answer);
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ reason, message: told });
  });
});
