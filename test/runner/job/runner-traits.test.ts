import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { runnerTraits } from '../../../src/runner/job/runner-traits.ts';
import { runnerInfo } from '../../../src/runner/network/features.ts';
import { ownIdentity } from '../../../src/runner/network/identity.ts';

function infoOf(executor: string) {
  const { config } = readConfig({ labels: { a: '1', b: '1' }, runners: [{ executor, labels: { b: '2' } }] }, {});
  return runnerInfo(ownIdentity({ version: '1', revision: 'x' }), runnerTraits(config.runners[0]!, config));
}

describe('what a runner tells of itself', () => {
  it('is what it can do, and no more', () => {
    expect(infoOf('docker').features).toMatchObject({
      image: true,
      services: true,
      refspecs: true,
      cancel_gracefully: true,
      two_phase_job_commit: true,
      job_inputs: true,
      vault_secrets: false,
      session: false,
    });
    expect(infoOf('shell').features).toMatchObject({ image: false, services: false, shared: true, job_inputs: true });
  });

  it('has the labels of the runner over those of the file', () => {
    expect(infoOf('shell').labels).toEqual({ a: '1', b: '2' });
  });
});
