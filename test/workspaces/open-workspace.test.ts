import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkspace } from '../../src/workspaces/open-workspace.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'workspace-'));
  mkdirSync(join(base, 'tree/src'), { recursive: true });
  writeFileSync(join(base, 'tree/src/a'), 'a');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('openWorkspace', () => {
  const tree = () => ({ root: join(base, 'tree'), immutable: true });

  it('gives a copy that can be changed and goes away', async () => {
    const directory = join(base, 'jobs/1');
    {
      await using workspace = await openWorkspace(tree(), directory, { isolation: 'auto' });
      expect(['copy', 'reflink']).toContain(workspace.method);
      writeFileSync(join(workspace.directory, 'src/a'), 'changed');
      expect(lstatSync(join(directory, 'src/a')).ino).not.toBe(lstatSync(join(base, 'tree/src/a')).ino);
      expect(readFileSync(join(base, 'tree/src/a'), 'utf8')).toBe('a');
    }
    expect(existsSync(directory)).toBe(false);
  });

  it('says when a way is not there', async () => {
    await expect(openWorkspace(tree(), join(base, 'x'), { isolation: 'overlay' })).rejects.toMatchObject({
      name: 'SystemError',
      reason: 'runner_unsupported',
    });
  });

  it('leaves nothing half made when it is stopped or fails', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(openWorkspace(tree(), join(base, 'x'), { isolation: 'copy', signal })).rejects.toThrow('stop');
    expect(existsSync(join(base, 'x'))).toBe(false);
    writeFileSync(join(base, 'file'), '');
    await expect(openWorkspace(tree(), join(base, 'file/x'), { isolation: 'copy' })).rejects.toMatchObject({
      name: 'SystemError',
    });
  });
});
