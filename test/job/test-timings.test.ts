import { describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { SystemError } from '../../src/model/outcome.ts';
import type { TestTiming, TestTimingsPort } from '../../src/model/ports.ts';
import type { Step } from '../../src/model/step.ts';
import type { FactVariable } from '../../src/model/variable.ts';
import { done, memoryExecutor } from '../support/memory-session.ts';
import { live, memoryArtifacts, script, specOf } from './job.ts';

const directory = '/builds/group/project';
const report = `<testsuites><testsuite file="suite.rb" name="s">
  <testcase classname="A" name="one" file="./a_spec.rb" time="1.5"/>
  <testcase classname="A" name="two" file="${directory}/a_spec.rb" time="0.25"/>
  <testcase name="three" time="2"/><testcase name="no time" classname="B"/>
  <testcase name="one" time="1" classname="tab&#9;"/>
</testsuite></testsuites>`;

const facts: readonly FactVariable[] = [{ name: 'TIMINGS', fact: 'test-timings-file' }];
const stored: Step = { kind: 'test-report', phase: 'script', when: 'always', path: 'junit.xml' };

function port(known: string | undefined, problem?: SystemError) {
  const added: TestTiming[] = [];
  const testTimings: TestTimingsPort = {
    known: async () => known,
    add: async (timings) => {
      if (problem !== undefined) throw problem;
      added.push(...timings);
    },
  };
  return { added, testTimings };
}

async function run(testTimings: TestTimingsPort, over: Partial<JobSpec> = {}, code = 0) {
  const executor = memoryExecutor((_command, _signal, files) => {
    files.set(`${directory}/junit.xml`, report);
    return code === 0 ? done : { kind: 'code', code };
  });
  const spec = specOf([script('test'), stored], { facts, ...over });
  const lived = await live(spec, executor, { artifacts: memoryArtifacts(), testTimings });
  return { executor, ...lived };
}

describe('times of tests', () => {
  it('are given to a job that asks for them, where nobody may change them', async () => {
    const { executor } = await run(port('file\t1.000\ta\n').testTimings);
    const path = executor.commands[0]?.env['TIMINGS'];
    expect(path).toBe(`${directory}.tmp/.test-timings`);
    expect(executor.files.get(path!)).toBe('file\t1.000\ta\n');
    expect(executor.modes.get(path!)).toBe(0o444);
    const none = await run(port(undefined).testTimings);
    expect(none.executor.files.has(path!)).toBe(false);
    const notAsked = await run(port('file\t1.000\ta\n').testTimings, { facts: [] });
    expect(notAsked.executor.files.has(path!)).toBe(false);
  });

  it('are added up by file, class and name, when the job has succeeded', async () => {
    const { added, testTimings } = port(undefined);
    await run(testTimings);
    expect(added).toEqual([
      { kind: 'file', name: 'a_spec.rb', seconds: 1.75 },
      { kind: 'classname', name: 'A', seconds: 1.75 },
      { kind: 'name', name: 'one', seconds: 2.5 },
      { kind: 'name', name: 'two', seconds: 0.25 },
      { kind: 'file', name: 'suite.rb', seconds: 3 },
      { kind: 'name', name: 'three', seconds: 2 },
    ]);
    const failed = port(undefined);
    await run(failed.testTimings, {}, 1);
    expect(failed.added).toEqual([]);
  });

  it('that can not be kept are no failure of the job', async () => {
    const problem = new SystemError('runner_system_failure', 'disk full');
    const { result, log } = await run(port(undefined, problem).testTimings);
    expect(result.outcome).toEqual({ status: 'success' });
    expect(log).toContain('WARNING: the times of the tests are not kept: disk full');
  });
});
