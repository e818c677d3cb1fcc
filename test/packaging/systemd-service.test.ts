import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const source = new URL('../../packaging/systemd/pipewright-runner.service', import.meta.url);
const unit = readFileSync(source, 'utf8');
const home = mkdtempSync(join(tmpdir(), 'ci-unit-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the service of systemd', () => {
  it.skipIf(!canVerify)('has no mistakes that systemd knows of', () => {
    const file = join(home, 'pipewright-runner.service');
    // Programs that are named have to be there.
    writeFileSync(file, unit.replace('/usr/local/bin/ci', process.execPath));
    const { stdout, stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).not.toContain('pipewright');
    expect(status).toBe(0);
  });

  it('calls a command that there is, and stops it so that its jobs can end', () => {
    const command = /^ExecStart=\S+ (.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
    const help = execFileSync(process.execPath, ['bin/ci.js', ...command.slice(0, 2), '--help'], { encoding: 'utf8' });
    expect(help).toContain('SIGQUIT takes no further jobs');
    expect(help).toContain(command[2]);
    expect(unit).toMatch(/^KillSignal=SIGQUIT$/m);
  });
});
