import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { addJobs, ends, job, logOf, start, startAgain } = room;

describe('two processes on one home', () => {
  it('give no two jobs the same directory at a time', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `job-${at}`);
    // Fails where another job has the same number just now.
    const held = join(room.home, 'held');
    const script = [
      `mkdir "${held}-id-$CI_CONCURRENT_ID" "${held}-project-$CI_CONCURRENT_PROJECT_ID"`,
      'cat hello.txt; sleep 0.4',
      `rmdir "${held}-id-$CI_CONCURRENT_ID" "${held}-project-$CI_CONCURRENT_PROJECT_ID"`,
      'echo "project number $CI_CONCURRENT_PROJECT_ID."',
    ];
    addJobs(...names.map((name) => ({ name, script })));
    const both = [start({ global: 'concurrent = 3', table: 'request_concurrency = 2' }), startAgain()];
    await ends(...names);
    const logs = names.map(logOf);
    expect(logs.filter((_, at) => job(names[at]!).status !== 'success')).toEqual([]);
    const numbers = new Set(logs.map((log) => /project number (\d+)\./.exec(log)![1]));
    expect([...numbers].every((number) => Number(number) < 6)).toBe(true);
    for (const { child } of both) child.kill('SIGQUIT');
    for (const { ended } of both) expect((await ended).code).toBe(0);
    expect(room.server.violations).toEqual([]);
  });
});
