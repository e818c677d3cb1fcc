import { expect, it } from 'vitest';
import { debugTraceOf } from '../../../src/runner/job/debug-trace.ts';

const variable = (key: string, value: string, raw = false) => ({
  key,
  value,
  raw,
  public: true,
  file: false,
  masked: false,
});

it.each<readonly [readonly ReturnType<typeof variable>[], readonly string[], 'on' | 'off']>([
  [[variable('CI_DEBUG_TRACE', 'true')], [], 'on'],
  [[variable('CI_DEBUG_SERVICES', '1')], [], 'on'],
  [[variable('CI_DEBUG_TRACE', 'T')], [], 'on'],
  [[variable('FLAG', 'true'), variable('CI_DEBUG_TRACE', '$FLAG')], [], 'on'],
  [[variable('CI_DEBUG_TRACE', '${FLAG}')], ['FLAG=true'], 'on'],
  [[], ['CI_DEBUG_TRACE=true'], 'on'],
  [[variable('CI_DEBUG_TRACE', 'false')], ['CI_DEBUG_TRACE=true'], 'off'],
  [[variable('CI_DEBUG_TRACE', 'true'), variable('CI_DEBUG_TRACE', 'no')], [], 'off'],
  [[variable('FLAG', 'true'), variable('CI_DEBUG_TRACE', '$FLAG', true)], [], 'off'],
  [[], ['=x', 'nothing'], 'off'],
])(
  'hides the log of a job with %j and the environment %j from all but maintainers: %s',
  (variables, environment, expected) => {
    const job = { variables };
    expect(debugTraceOf({ runner: { environment, debugTraceDisabled: false }, job })).toBe(expected);
    expect(debugTraceOf({ runner: { environment, debugTraceDisabled: true }, job })).toBe('off');
  },
);
