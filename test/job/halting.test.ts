import { describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { Step } from '../../src/model/step.ts';
import type { FactVariable } from '../../src/model/variable.ts';
import { done, memoryExecutor, type Runs } from '../support/memory-session.ts';
import { afterScript, live, memoryArtifacts, script, specOf, upload } from './job.ts';

/** `halt` in a script makes the file that ends the job, `make` fails. */
const runs: Runs = ({ script: text, env }, _signal, files) => {
  files.set('/builds/group/project/dist/a', 'A');
  if (text.includes('halt')) files.set(env['HALT']!, '');
  return text.includes('make') ? { kind: 'code', code: 3 } : done;
};

const facts: readonly FactVariable[] = [{ name: 'HALT', fact: 'halt-file' }];
const named = (name: string, over: Partial<Step> = {}): Step => ({ ...script(name), name, ...over }) as Step;

async function scriptsOf(steps: readonly Step[], over: Partial<JobSpec> = {}) {
  const executor = memoryExecutor(runs);
  const { result, log } = await live(specOf(steps, { facts, ...over }), executor, { artifacts: memoryArtifacts() });
  const ran = executor.commands.map(({ script: text }) => /\n(\w[\w ]*)\n' <\/dev\/null/.exec(text)?.[1]);
  return { result, log, ran };
}

describe('a script that halts its job', () => {
  it('is its last: the job succeeds, and the steps that the user wrote behind it are left out, always or not', async () => {
    const stored = { ...upload(['dist']), phase: 'script', when: 'always', type: 'stored' } as const;
    const { result, log, ran } = await scriptsOf([
      named('first'),
      named('halt here'),
      named('second'),
      named('clean', { when: 'always' }),
      named('mend', { when: 'on_failure' }),
      stored,
    ]);
    expect(ran).toEqual(['first', 'halt here']);
    expect(result.outcome).toEqual({ status: 'success' });
    expect(result.outputs).toMatchObject({ haltedBy: 'halt here', artifacts: [] });
    expect(log).toContain('Halted by "halt here": the steps that come after it are left out');
  });

  it('keeps what belongs to the job itself: after_script, and what it uploads at its end', async () => {
    const { result, ran } = await scriptsOf([named('halt'), named('second'), afterScript('tidy'), upload(['dist'])]);
    expect(ran).toEqual(['halt', 'tidy']);
    expect(result.outputs.artifacts).toHaveLength(1);
  });

  it('does not make good what has failed', async () => {
    const after = await scriptsOf([
      named('make'),
      named('halt', { when: 'on_failure' }),
      named('more', { when: 'always' }),
    ]);
    expect(after.ran).toEqual(['make', 'halt']);
    expect(after.result.outcome).toMatchObject({ status: 'failed', exit: { code: 3 } });
    const same = await scriptsOf([named('halt and make'), named('more', { when: 'always' })]);
    expect(same.ran).toEqual(['halt and make']);
    expect(same.result.outcome).toMatchObject({ status: 'failed' });
  });

  it('is heard only where the job is told of the file', async () => {
    const { result, ran } = await scriptsOf([named('halt'), named('second')], { facts: [] });
    expect(ran).toEqual(['halt', 'second']);
    expect(result.outputs.haltedBy).toBeUndefined();
  });
});
