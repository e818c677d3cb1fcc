import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Session } from '../../src/executors/executor.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { never, run } from './contract.ts';

type Open = (over?: Partial<JobSpec>) => Promise<Session>;

async function output(session: Session, script: string): Promise<string> {
  const { exit, stdout, stderr } = await run(session, script, { env: { HOME: session.home! } });
  expect({ exit, stderr: stderr.toString() }).toEqual({ exit: { kind: 'code', code: 0 }, stderr: '' });
  return stdout.toString();
}

/** What a job may rely on that says where it works. */
export function homes(open: Open, temporary: () => string): void {
  const tree = (files: Readonly<Record<string, string>>): string => {
    const root = temporary();
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  };

  it('are there for a job that names its directory below one, and are the user’s', async () => {
    await using session = await open({ directory: '~/some/place' });
    const { home, directory, temporaryDirectory } = session;
    expect(directory).toBe(`${home}/some/place`);
    await session.files.write(`${temporaryDirectory}/NAME`, Buffer.from('given'), 0o600);
    const script = `pwd; ls -A; touch "$HOME/mine" ../beside here; cat '${temporaryDirectory}/NAME'`;
    expect(await output(session, script)).toBe(`${directory}\ngiven`);
  });

  it('keep what is laid into them, above the directory and in it, whatever comes first', async () => {
    await using session = await open({ directory: '~/place' });
    const { home } = session;
    const put = (files: Readonly<Record<string, string>>, at: string): Promise<void> =>
      session.files.put({ root: tree(files), immutable: true }, at, never);
    await put({ '.npm/x': 'npm', 'place/early': 'early', 'place/same': 'hidden' }, home!);
    await put({ same: 'sources', 'sub/file': 'sources' }, '.');
    expect(await output(session, 'cat early same sub/file ~/.npm/x; rm -r sub; echo made > made')).toBe(
      'earlysourcessourcesnpm',
    );
    await put({ 'place/same': 'later', 'place/sub/file': 'again' }, home!);
    expect(await output(session, 'cat same sub/file; ls')).toBe('lateragainearly\nmade\nsame\nsub\n');
    expect(Buffer.from((await session.files.read(`${home}/place/made`, 99))!).toString()).toBe('made\n');
    const into = temporary();
    const wanted = { paths: ['place/made', '.npm', 'place/sub'], exclude: [], untracked: false, base: home! };
    const { entries, unmatched } = await session.files.get(wanted, into, never);
    expect(unmatched).toEqual([]);
    expect(entries.filter(({ type }) => type === 'file').map(({ path }) => path)).toEqual(
      expect.arrayContaining(['.npm/x', 'place/made', 'place/sub/file']),
    );
    expect(readFileSync(join(into, 'place/sub/file'), 'utf8')).toBe('again');
    await output(session, 'mkdir .git; echo ref > .git/HEAD');
    const whole = temporary();
    await session.files.get({ ...wanted, paths: ['place'], repositories: 'all' }, whole, never);
    expect(readFileSync(join(whole, 'place/.git/HEAD'), 'utf8')).toBe('ref\n');
  });

  it('may be the directory itself, or lie elsewhere', async () => {
    await using inside = await open({ directory: '~/' });
    expect(inside.directory).toBe(inside.home);
    await using elsewhere = await open({ directory: '/app/deep' });
    await elsewhere.files.put({ root: tree({ file: 'sources' }), immutable: true }, '.', never);
    expect(await output(elsewhere, 'cat file; touch new; ls; case "$PWD" in */app/deep) echo there;; esac; cd ~')).toBe(
      'sourcesfile\nnew\nthere\n',
    );
  });
}
