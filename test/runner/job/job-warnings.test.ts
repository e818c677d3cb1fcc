import { expect, it } from 'vitest';
import { jobWarnings } from '../../../src/runner/job/job-warnings.ts';
import { decodeJob } from '../../../src/runner/network/decode-job.ts';

const metadata = 'RUNNER_GENERATE_ARTIFACTS_METADATA';

function warnings(
  variables: Readonly<Record<string, string>>,
  more: {
    artifacts?: readonly object[];
    services?: readonly object[];
    executor?: string;
    environment?: string[];
    featureFlags?: Record<string, boolean>;
  } = {},
): readonly string[] {
  const { artifacts = [], services = [], executor = 'shell', environment = [], featureFlags = {} } = more;
  const pairs = Object.entries(variables).map(([key, value]) => ({ key, value }));
  const job = decodeJob({ id: 1, token: 't', variables: pairs, artifacts, services });
  return jobWarnings({ runner: { environment, featureFlags, executor }, job });
}

const zip = { paths: ['out'], artifact_type: 'archive', artifact_format: 'zip' };
const report = { paths: ['out'], artifact_type: 'junit', artifact_format: 'gzip' };

it('tells once of all flags that do nothing', () => {
  expect(warnings({ FF_A: 'true', FF_USE_FASTZIP: '1', FF_B: 'false', FF_C: 'yes', FF_D: 'T' })).toEqual([
    'feature flags that this runner does not know do nothing: FF_A, FF_D',
  ]);
  expect(warnings({}, { environment: ['FF_A=1', 'odd'] })).toHaveLength(1);
  expect(warnings({ FF_A: '0' }, { environment: ['FF_A=1'] })).toEqual([]);
});

it('tells of services where there are no containers', () => {
  const services = [{ name: 'postgres:16' }, { name: 'redis' }];
  expect(warnings({}, { services, executor: 'docker' })).toEqual([]);
  expect(warnings({}, { services })).toEqual([
    'there are no containers with the executor shell: services are not started: postgres:16, redis',
  ]);
});

it('leaves to the file what the file says', () => {
  expect(warnings({ FF_A: 'true', FF_HASH_CACHE_KEYS: 'maybe' }, { featureFlags: { FF_A: true } })).toEqual([
    'feature flags that are neither true nor false count as false: FF_HASH_CACHE_KEYS',
  ]);
});

it('tells of metadata where an archive would have some', () => {
  const told = [`${metadata} is not supported: artifacts get no metadata`];
  expect(warnings({ [metadata]: 'true' }, { artifacts: [zip, report] })).toEqual(told);
  expect(warnings({ [metadata]: 'true' }, { artifacts: [report] })).toEqual([]);
  expect(warnings({ [metadata]: 'false' }, { artifacts: [zip] })).toEqual([]);
  expect(warnings({}, { artifacts: [zip], environment: [`${metadata}=true`] })).toEqual(told);
});
