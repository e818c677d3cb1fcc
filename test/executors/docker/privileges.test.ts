import { describe, expect, it } from 'vitest';
import { jobContainerOptions, serviceContainerOptions } from '../../../src/executors/docker/container-config.ts';
import {
  type ContainerOptions,
  isPrivilegedService,
  optionsForJob,
  optionsForService,
} from '../../../src/executors/docker/container-options.ts';

const span = { file: '', start: 0, end: 0 };
const parts = { name: 'x', labels: {}, network: {} };

/** What of a job's container and of its service's is privileged. */
function privileged(options: ContainerOptions, image: string, service: string): readonly boolean[] {
  const own = optionsForJob(options, image);
  const job = jobContainerOptions({ ...parts, options: own, image: { name: 'sha256:1', span }, directory: '/' });
  const beside = serviceContainerOptions({
    ...parts,
    options: optionsForService(own, service),
    service: { name: 'sha256:2', span, aliases: [], variables: [] },
    imageName: service,
    environment: [],
  });
  expect(isPrivilegedService(own, service)).toBe(beside.HostConfig?.Privileged === true);
  return [job.HostConfig?.Privileged === true, beside.HostConfig?.Privileged === true];
}

describe('who is privileged', () => {
  it.each<[string, ContainerOptions, readonly boolean[]]>([
    ['nobody unless it is said', {}, [false, false]],
    ['nobody by a list alone', { privilegedImages: ['**'], services: { privilegedImages: ['**'] } }, [false, false]],
    ['all', { privileged: true }, [true, true]],
    ['jobs alone', { privileged: true, services: { privileged: false } }, [true, false]],
    ['services alone', { services: { privileged: true } }, [false, true]],
    ['jobs of listed images', { privileged: true, privilegedImages: ['docker:*'] }, [true, true]],
    ['no jobs of others', { privileged: true, privilegedImages: ['podman:*'] }, [false, true]],
    ['services of listed images', { privileged: true, services: { privilegedImages: ['a/dind:*'] } }, [true, true]],
    ['no services of others', { privileged: true, services: { privilegedImages: ['dind:*'] } }, [true, false]],
    [
      'nobody who is on neither list',
      { privileged: true, privilegedImages: ['x'], services: { privileged: true, privilegedImages: ['x'] } },
      [false, false],
    ],
    [
      'all with empty lists',
      { privileged: true, privilegedImages: [], services: { privilegedImages: [] } },
      [true, true],
    ],
  ])('%s', (_, options, expected) => {
    expect(privileged(options, 'docker:28', 'a/dind:28')).toEqual(expected);
  });

  it('gives devices to services of the images that they are for', () => {
    const device = { onHost: '/dev/kvm', inContainer: '/dev/kvm', permissions: 'rwm' };
    const options = { services: { devicesByImage: { 'a/*:*': [device] } } };
    const devices = (imageName: string) =>
      serviceContainerOptions({
        ...parts,
        options,
        service: { name: 'x', span, aliases: [], variables: [] },
        imageName,
        environment: [],
      }).HostConfig?.Devices;
    expect(devices('a/b:1')).toEqual([
      { PathOnHost: '/dev/kvm', PathInContainer: '/dev/kvm', CgroupPermissions: 'rwm' },
    ]);
    expect(devices('b/a:1')).toBeUndefined();
  });

  it('keeps our own labels', () => {
    const options = { labels: { managed: 'no', mine: 'yes' } };
    const made = jobContainerOptions({
      ...{ ...parts, labels: { managed: 'true' } },
      options,
      image: { name: 'x', span },
      directory: '/',
    });
    expect(made.Labels).toEqual({ managed: 'true', mine: 'yes' });
  });
});
