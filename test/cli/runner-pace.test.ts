import { describe, expect, it } from 'vitest';
import { CommandError } from '../../src/cli/exit-code.ts';
import { defaultDeadPace } from '../../src/cli/runner/look-after-the-dead.ts';
import { runnerPace } from '../../src/cli/runner/runner-pace.ts';
import { defaultAcknowledgePace } from '../../src/runner/job/begin-job.ts';

const paceOf = (text?: string) => runnerPace({ env: text === undefined ? {} : { CI_RUNNER_PACE: text } });

describe('CI_RUNNER_PACE', () => {
  it('leaves all as it is where it says nothing', () => {
    expect(paceOf()).toEqual({ network: {}, trace: {}, acknowledge: defaultAcknowledgePace, dead: defaultDeadPace });
    expect(paceOf('')).toEqual(paceOf());
  });

  it('sets what it names', () => {
    const pace = paceOf('{"network":{"headersMs":1000},"trace":{"updateIntervalMs":50},"acknowledge":{"tries":2}}');
    expect(pace.network).toEqual({ headersMs: 1000 });
    expect(pace.trace).toEqual({ updateIntervalMs: 50 });
    expect(pace.acknowledge).toEqual({ ...defaultAcknowledgePace, tries: 2 });
  });

  it.each([
    ['no JSON', /no JSON object/],
    ['[]', /no JSON object/],
    ['{"trace":1}', /"trace" is no object/],
    ['{"tarce":{}}', /nothing is called "tarce"/],
    ['{"trace":{"updateInterval":1}}', /"trace" has no "updateInterval"/],
    ['{"trace":{"updateIntervalMs":"1"}}', /"trace.updateIntervalMs" is no number/],
    ['{"trace":{"updateIntervalMs":-1}}', /is no number/],
  ])('refuses %s', (text, message) => {
    expect(() => paceOf(text)).toThrow(CommandError);
    expect(() => paceOf(text)).toThrow(message);
  });
});
