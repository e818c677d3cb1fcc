import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createShellExecutor } from '../../src/executors/shell/shell-executor.ts';
import type { RunStep, UploadArtifactsStep } from '../../src/model/step.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { collect, jobSpec, never, run } from './contract.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-shell-'));
const root = join(place, 'builds');
const executor = createShellExecutor({ root, graceMs: 200, env: { PATH: process.env.PATH ?? '' } });

afterAll(async () => {
  await executor.close();
  await removeTree(place);
});

const script: RunStep = {
  kind: 'run',
  phase: 'script',
  when: 'on_success',
  name: 's',
  script: [],
  echo: 'plain',
  variables: [],
  background: false,
};
const upload: UploadArtifactsStep = {
  kind: 'upload-artifacts',
  phase: 'finish',
  when: 'always',
  type: 'archive',
  paths: [],
  exclude: [],
  untracked: false,
};
const all = { paths: ['.'], exclude: [], untracked: false };

it('runs in place and removes nothing of it', async () => {
  const directory = join(place, 'tree');
  mkdirSync(directory);
  writeFileSync(join(directory, 'mine'), 'x');
  const into = mkdtempSync(join(place, 'into-'));
  {
    const source = { kind: 'in-place', directory } as const;
    await using session = await executor.open(jobSpec({ source, steps: [script, upload] }), collect(), never);
    expect(session.directory).toBe(directory);
    expect((await run(session, 'pwd; echo made > made')).stdout.toString()).toBe(`${directory}\n`);
    await session.files.get(all, into, never);
    expect(statSync(join(into, 'mine')).ino).not.toBe(statSync(join(directory, 'mine')).ino);
  }
  await executor.close();
  expect(readdirSync(directory).sort()).toEqual(['made', 'mine']);
  expect(readdirSync(root)).toEqual([]);
});

it.each([
  ['links files that nobody can write to any more', [script, upload], 'echo a > a', 2],
  ['copies files that a later script may write to', [upload, script], 'echo a > a', 1],
  ['copies files while something is still running', [script, upload], 'echo a > a; sleep 100 &', 1],
] as const)('%s', async (_name, steps, text, links) => {
  await using session = await executor.open(jobSpec({ steps }), collect(), never);
  await run(session, text);
  const into = mkdtempSync(join(place, 'into-'));
  await session.files.get(all, into, never);
  expect(statSync(join(into, 'a')).nlink).toBe(links);
});

it('copies a file that has a name elsewhere, where it may be written to', async () => {
  await using session = await executor.open(jobSpec({ steps: [script, upload] }), collect(), never);
  const outside = join(place, 'outside');
  await run(session, `echo mine > ${outside}; ln ${outside} shared; echo own > own; ln own again`);
  const into = mkdtempSync(join(place, 'into-'));
  await session.files.get(all, into, never);
  expect(statSync(join(into, 'shared')).ino).not.toBe(statSync(outside).ino);
  expect(statSync(join(into, 'own')).ino).toBe(statSync(join(into, 'again')).ino);
  expect(statSync(join(into, 'own')).nlink).toBe(4);
});

it('gives a job its own copy of an immutable tree', async () => {
  const tree = mkdtempSync(join(place, 'source-'));
  writeFileSync(join(tree, 'file'), 'old');
  {
    await using session = await executor.open(jobSpec(), collect(), never);
    await session.files.put({ root: tree, immutable: true }, '.', never);
    expect((await run(session, 'cat file; echo new > file')).stdout.toString()).toBe('old');
  }
  await executor.close();
  expect(readFileSync(join(tree, 'file'), 'utf8')).toBe('old');
  expect(readdirSync(root)).toEqual([]);
});

it('does not wait long for a process that can never be told to be the job’s', async () => {
  const graceMs = 30_000;
  const patient = createShellExecutor({ root: join(place, 'patient'), graceMs, env: { PATH: process.env.PATH ?? '' } });
  const session = await patient.open(jobSpec({ steps: [script] }), collect(), never);
  const ran = await run(session, '(env -i setsid sleep 100 > /dev/null 2>&1 < /dev/null & echo $!)');
  const startedAt = Date.now();
  await session[Symbol.asyncDispose]();
  expect(Date.now() - startedAt).toBeLessThan(graceMs / 3);
  // Never 0, which is our own process group.
  expect(Number(ran.stdout.toString())).toBeGreaterThan(1);
  process.kill(Number(ran.stdout.toString()), 'SIGKILL');
  await patient.close();
});
