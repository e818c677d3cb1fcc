import { createHash } from 'node:crypto';
import type { LoadedFile } from '../model/included-file.ts';
import { type Got, guardedGet } from '../util/guarded-get.ts';
import { type IncludeAccess, usualAgeMs } from './include-access.ts';
import { type Had, had, trouble } from './include-trouble.ts';

/** A file at an address. */
export interface RemoteFile {
  readonly url: string;
  readonly integrity?: string;
  readonly cacheMs?: number;
}

const limits = { timeoutMs: 10_000, maxBytes: 1024 * 1024, maxRedirects: 3 };
/** Pauses before another try, as long as the failure may pass. */
const pausesMs = [250, 1000];

/**
 * Reads a remote file from the store or its server. What the lock file names is believed only with the content that it
 * names; so is what the include gives a checksum for.
 */
export async function readRemote(file: RemoteFile, access: IncludeAccess): Promise<Had<LoadedFile>> {
  const { policy, store, lock, nowMs } = access;
  const locked = policy === 'always' ? undefined : lock.remotes[file.url];
  const record = store.read('remote', file.url);
  const kept = locked ?? record?.hash;
  const copy = kept === undefined ? undefined : store.content(kept);
  const isFresh = locked !== undefined || nowMs - (record?.fetchedAtMs ?? 0) < (file.cacheMs ?? usualAgeMs);
  if (copy !== undefined && (policy === 'never' || (policy === 'when-needed' && isFresh)))
    return take(file, copy, access);
  if (policy === 'never') return trouble('not-read', undefined, '`ci fetch` reads it');
  const got = await getPatiently(file.url, access);
  if (got.kind === 'ok') return accept(file, got, access, locked);
  if (got.kind === 'failed' && copy !== undefined && got.mayPass) {
    access.onNotice(`the last copy of ${file.url} is used: ${got.why}`);
    return take(file, copy, access);
  }
  return explain(got);
}

async function accept(
  file: RemoteFile,
  { body, type }: Extract<Got, { kind: 'ok' }>,
  access: IncludeAccess,
  locked: string | undefined,
): Promise<Had<LoadedFile>> {
  if (/^text\/html\b/i.test(type)) {
    const hint = 'files that need a login can be included with `project`';
    return trouble('not-fetched', 'a web page came instead of a file, perhaps one to log in', hint);
  }
  const bad = wrongContent(file, body);
  if (bad !== undefined) return bad;
  const hash = await access.store.keep(body);
  if (locked !== undefined && locked !== hash) {
    const hint = 'if that is right, `ci fetch --update` writes its new state into .ci.lock';
    return trouble('refused', 'it is not the file that .ci.lock names', hint);
  }
  await access.store.write('remote', file.url, { hash, fetchedAtMs: access.nowMs });
  return take(file, body, access);
}

function take(file: RemoteFile, body: Buffer, access: IncludeAccess): Had<LoadedFile> {
  const bad = wrongContent(file, body);
  if (bad !== undefined) return bad;
  access.onLocked('remotes', file.url, { sha: createHash('sha256').update(body).digest('hex') });
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  return had({ path: file.url, text, origin: { kind: 'nowhere' } });
}

function wrongContent({ integrity }: RemoteFile, body: Buffer): Had<never> | undefined {
  if (integrity === undefined) return undefined;
  const hash = `sha256-${createHash('sha256').update(body).digest('base64')}`;
  if (integrity === hash) return undefined;
  return trouble('refused', `its content has not the checksum that \`integrity\` names, but \`${hash}\``);
}

async function getPatiently(url: string, { allowed, env, resolve, limit }: IncludeAccess): Promise<Got> {
  const options = { ...limits, allowed, env, ...(resolve ? { resolve } : {}) };
  for (const pauseMs of pausesMs) {
    const got = await limit(() => guardedGet(url, options));
    if (got.kind !== 'failed' || !got.mayPass) return got;
    await new Promise((done) => setTimeout(done, pauseMs));
  }
  return limit(() => guardedGet(url, options));
}

function explain(got: Exclude<Got, { kind: 'ok' }>): Had<never> {
  if (got.kind === 'refused') {
    const hint = 'hosts of your own can be allowed with `allow-private-includes` in your settings';
    return trouble('refused', got.why, hint);
  }
  if (got.status === 404 || got.status === 410) return trouble('missing', got.why);
  const needsLogin = got.status === 401 || got.status === 403;
  return trouble(
    'not-fetched',
    got.why,
    needsLogin ? 'files that need a login can be included with `project`' : undefined,
  );
}
