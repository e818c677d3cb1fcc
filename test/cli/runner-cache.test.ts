import { describe, expect, it } from 'vitest';
import { runnerRoom } from '../support/runner-room.ts';
import { startS3Server } from '../support/s3-server.ts';

const room = runnerRoom();
const { addJobs, addJobsWithoutSources, ends, job, logOf, start } = room;

describe('a runner with caches in a bucket', () => {
  it('keeps them there, and does without it when its server is gone', async () => {
    const s3 = await startS3Server();
    const table = (address: string) => `[runners.cache]
Type = "s3"
Path = "ci"
Shared = true
[runners.cache.s3]
ServerAddress = "${address}"
AccessKey = "S3RVER"
SecretKey = "S3RVER"
BucketName = "${s3.bucket}"
Insecure = true
`;
    const cache = [{ key: 'deps', paths: ['cached'] }];
    addJobs(
      { name: 'first', stage: 'build', cache, script: ['mkdir cached', 'echo kept > cached/file'] },
      { name: 'second', stage: 'test', cache, script: ['cat cached/file'] },
    );
    const { child, ended } = start({ table: table(s3.address) });
    await ends('first', 'second');
    child.kill('SIGQUIT');
    await ended;
    expect(logOf('second')).toContain('kept');
    expect(s3.objects()).toEqual([expect.stringMatching(/^ci\/project\/\d+\/deps/)]);
    await s3[Symbol.asyncDispose]();
    addJobsWithoutSources({ name: 'third', cache, script: ['mkdir cached', 'touch cached/x'] });
    start({ table: table(s3.address), name: 'two' });
    await ends('third');
    expect(logOf('third')).toContain("the server of caches can't be used");
    expect(logOf('third')).not.toContain('S3RVER');
    expect(job('third').status).toBe('success');
  });
});
