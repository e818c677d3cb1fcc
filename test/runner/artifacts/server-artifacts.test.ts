import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import type { FileEntry } from '../../../src/model/files.ts';
import { serverArtifacts } from '../../../src/runner/artifacts/server-artifacts.ts';
import type { ArtifactUploaded, GitlabClient } from '../../../src/runner/network/gitlab-client.ts';
import type { JobPayload } from '../../../src/runner/network/payload.ts';
import { specOf, upload } from '../../job/job.ts';
import { jumpingClock } from '../support/network.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ci-server-artifacts-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const never = new AbortController().signal;
const job = {
  id: 9,
  token: 'glcbt-9',
  dependencies: [{ id: 7, name: 'made', token: 'glcbt-7', artifactsFile: { filename: 'a.zip', size: 1 } }],
} as unknown as JobPayload;

function artifacts(client: Partial<GitlabClient>) {
  const clock = jumpingClock();
  const given = { client: client as GitlabClient, clock, log: () => {}, job, directory: join(root, 'work') };
  return { port: serverArtifacts({ ...given, directDownload: 'off' }), clock };
}

/** The archive of `made` is `content`. */
function fetch(content: Buffer) {
  const { port } = artifacts({
    downloadArtifacts: async (_, { take }) => {
      await take(Readable.from([content]));
      return { state: 'succeeded', why: '200 OK' };
    },
  });
  return port.fetch({ id: '7', name: 'made', number: 7 }, never);
}

async function zipOf(fill: (zip: ZipFile) => void, replace?: readonly [string, string]): Promise<Buffer> {
  const zip = new ZipFile();
  fill(zip);
  zip.end();
  const text = (await buffer(zip.outputStream)).toString('latin1');
  return Buffer.from(replace === undefined ? text : text.replaceAll(...replace), 'latin1');
}

const text = Buffer.from('x');
const link = { mode: 0o120777, compress: false } as const;

describe('a download', () => {
  it('is unpacked', async () => {
    const tree = await fetch(await zipOf((zip) => zip.addBuffer(text, 'out/a')));
    expect(readFileSync(join(tree!.root, 'out/a'), 'utf8')).toBe('x');
  });

  it('keeps links as they are, also those into the place of the job', async () => {
    const targets = { 'venv/bin/python': '/usr/bin/python3', up: '../../x', gone: 'nowhere' };
    const tree = await fetch(
      await zipOf((zip) => {
        for (const [path, target] of Object.entries(targets)) zip.addBuffer(Buffer.from(target), path, link);
      }),
    );
    for (const [path, target] of Object.entries(targets)) expect(readlinkSync(join(tree!.root, path))).toBe(target);
  });

  it.each<[string, () => Promise<Buffer>, string]>([
    ['a way up', () => zipOf((zip) => zip.addBuffer(text, 'xx/evil'), ['xx/evil', '../evil']), 'relative'],
    ['an absolute path', () => zipOf((zip) => zip.addBuffer(text, 'xevil'), ['xevil', '/evil']), 'absolute'],
    [
      'a file through a link',
      () =>
        zipOf((zip) => {
          zip.addBuffer(Buffer.from('/'), 'a', link);
          zip.addBuffer(text, 'a/evil');
        }),
      'link',
    ],
    ['a device', () => zipOf((zip) => zip.addBuffer(text, 'evil', { mode: 0o020666 })), 'no file'],
    ['half an archive', async () => (await zipOf((zip) => zip.addBuffer(text, 'a'))).subarray(0, 50), 'damaged'],
    ['nothing', async () => Buffer.alloc(0), 'damaged'],
    ['a page', async () => Buffer.from('<!DOCTYPE html><title>Sign in</title>'), 'damaged'],
    ['another format', async () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), 'packed as tar.zst'],
  ])('of %s fails as a script that ends by 1, and writes nothing elsewhere', async (_, make, why) => {
    await expect(fetch(await make())).rejects.toMatchObject({
      name: 'SystemError',
      reason: 'script_failure',
      exit: { kind: 'code', code: 1 },
      message: expect.stringMatching(new RegExp(`^the artifacts of made \\(7\\) .*${why}`)),
    });
    expect(readdirSync(root)).toEqual(['work']);
    expect(existsSync('/evil')).toBe(false);
  });
});

const entry = { path: 'out', type: 'file', mode: 0o644, sizeBytes: 1, mtimeMs: 0 } as FileEntry;

async function fill(directory: string) {
  writeFileSync(join(directory, 'out'), 'x');
  return { entries: [entry], totalBytes: 1, unmatched: [], outside: [] };
}

describe('an upload', () => {
  it('is packed and kept as the server asked for it, also where there are several of a type', async () => {
    const sent: unknown[] = [];
    const { port } = artifacts({
      uploadArtifacts: async (_, { filename, type, format, expireIn }) => {
        sent.push([filename, type, format, expireIn]);
        return { state: 'succeeded', why: '201 Created' };
      },
    });
    const first = { ...upload(['out'], { name: 'a' }), asked: { format: 'zip', expireIn: '1 day' } };
    const second = { ...upload(['out'], { name: 'b/c' }), asked: { format: 'raw', expireIn: 'never' } };
    for (const step of [first, second]) await port.store(specOf([]), step, fill, never);
    expect(sent).toEqual([
      ['a.zip', 'archive', 'zip', '1 day'],
      ['c', 'archive', 'raw', 'never'],
    ]);
  });

  it.each<[ArtifactUploaded, number, string]>([
    [{ state: 'too-large', why: '413 Payload Too Large' }, 1, 'too large (413 Payload Too Large)'],
    [{ state: 'forbidden', why: '403 Forbidden' }, 1, '403 Forbidden'],
    [{ state: 'unavailable', why: '503 Service Unavailable' }, 6, '503 Service Unavailable'],
    [{ state: 'failed', why: '400 Bad Request' }, 3, '400 Bad Request'],
  ])('that gets %j is tried %i times and fails as a script that ends by 1', async (answer, tries, why) => {
    let tried = 0;
    const { port } = artifacts({
      uploadArtifacts: async () => {
        tried += 1;
        return answer;
      },
    });
    await expect(port.store(specOf([]), upload(['out']), fill, never)).rejects.toMatchObject({
      reason: 'script_failure',
      exit: { kind: 'code', code: 1 },
      message: `artifacts (archive) can't be uploaded: ${why}`,
    });
    expect(tried).toBe(tries);
  });
});
