import type { Checked } from '../diagnostics/diagnostic.ts';
import type { LoadedFile } from '../model/included-file.ts';
import { type Got, guardedGet } from '../util/guarded-get.ts';
import { type IncludeAccess, usualAgeMs } from './include-access.ts';
import type { LockedOrb } from './include-lock.ts';
import { hashOf, type IncludeRecords } from './include-store.ts';
import { type Had, had, type Trouble, told, trouble } from './include-trouble.ts';

const limits = { timeoutMs: 15_000, maxBytes: 4 * 1024 * 1024, maxRedirects: 0 };

/** As CircleCI's own command asks. Source: https://github.com/CircleCI-Public/circleci-cli/blob/main/api/api.go (`OrbSource`) */
const query = 'query($orbVersionRef: String!) { orbVersion(orbVersionRef: $orbVersionRef) { id version source } }';

type Kept = IncludeRecords['orb'];

/**
 * Reads the source of an orb from the store or the registry. A full version (`1.2.3`) never changes; what a shorter one, `volatile` or
 * `dev:…` stands for is asked for again after a while. What the lock file names is believed only with that content.
 * @param reference `namespace/orb@version`.
 */
export async function readOrb(reference: string, access: IncludeAccess): Promise<Had<LoadedFile>> {
  const { policy, store, lock } = access;
  const locked = policy === 'always' || !Object.hasOwn(lock.orbs, reference) ? undefined : lock.orbs[reference];
  if (locked !== undefined) return readLocked(reference, locked, access);
  const record = store.read('orb', keyOf(reference, access));
  const copy = record && store.content(record.hash);
  if (copy !== undefined && (policy === 'never' || isFresh(reference, record!, access))) {
    return take(reference, record!.version, copy, access);
  }
  if (policy === 'never') return trouble('not-read', undefined, '`ci fetch` reads it');
  const got = await ask(reference, access);
  if (got.kind === 'had') return got;
  if (copy === undefined || got.trouble.kind !== 'not-fetched') return got;
  access.onNotice(`the last copy of the orb ${reference} (${record!.version}) is used: ${got.trouble.why}`);
  return take(reference, record!.version, copy, access);
}

function isFresh(reference: string, { fetchedAtMs }: Kept, { policy, nowMs }: IncludeAccess): boolean {
  if (/@\d+\.\d+\.\d+$/.test(reference)) return true;
  return policy === 'when-needed' && nowMs - fetchedAtMs < usualAgeMs;
}

async function readLocked(reference: string, locked: LockedOrb, access: IncludeAccess): Promise<Had<LoadedFile>> {
  const { policy, store } = access;
  const copy = store.content(locked.sha256);
  if (copy !== undefined) return take(reference, locked.version, copy, access);
  if (policy === 'never') return trouble('not-read', undefined, '`ci fetch` reads it');
  const exact = `${reference.replace(/@.*/s, '')}@${locked.version}`;
  const got = await ask(exact, access, reference);
  if (got.kind === 'trouble' || hashOf(Buffer.from(got.value.text)) === locked.sha256) return got;
  const hint = 'if that is right, `ci fetch --update` writes its new state into .ci.lock';
  return trouble('refused', 'it is not the source that .ci.lock names', hint);
}

function keyOf(reference: string, { orbs }: IncludeAccess): string {
  return `${new URL(orbs.url).host} ${reference}`;
}

/** @param asked how the file writes it, if it is not what the registry is asked for. */
async function ask(reference: string, access: IncludeAccess, asked = reference): Promise<Had<LoadedFile>> {
  const { orbs, env, allowed, resolve, limit } = access;
  const url = new URL('/graphql-unstable', orbs.url);
  const got = await limit(() =>
    guardedGet(url.href, {
      ...{ ...limits, env, post: JSON.stringify({ query, variables: { orbVersionRef: reference } }) },
      // The user has named this server himself.
      allowed: { entries: [...allowed.entries, url.hostname.replace(/^\[|\]$/g, '')] },
      ...(orbs.token !== undefined && url.protocol === 'https:' ? { headers: { authorization: orbs.token } } : {}),
      ...(resolve ? { resolve } : {}),
    }),
  );
  if (got.kind !== 'ok') return explain(got, url.host);
  const answer = parseAnswer(got.body);
  if (typeof answer === 'string') return trouble('not-fetched', `${url.host}: ${answer}`);
  if (answer === undefined) {
    const hint = 'check its name and version; one that not everybody may see needs a token in your settings';
    return trouble('missing', `${url.host} knows no orb \`${reference}\``, hint);
  }
  const bytes = Buffer.from(answer.source);
  const hash = await access.store.keep(bytes);
  const record = { fetchedAtMs: access.nowMs, hash, version: answer.version };
  await access.store.write('orb', keyOf(asked, access), record);
  return take(asked, answer.version, bytes, access);
}

function explain(got: Exclude<Got, { readonly kind: 'ok' }>, host: string): Had<never> {
  if (got.kind === 'refused') return trouble('refused', got.why);
  const needsLogin = got.status === 401 || got.status === 403;
  return trouble('not-fetched', `${host}: ${got.why}`, needsLogin ? 'check the token in your settings' : undefined);
}

/** undefined: there is no such orb. A text: what is wrong with the answer. */
function parseAnswer(body: Buffer): { readonly version: string; readonly source: string } | string | undefined {
  let answer: { readonly data?: { readonly orbVersion?: unknown } | null; readonly errors?: unknown } | null;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    return 'its answer is no JSON';
  }
  const [error] = Array.isArray(answer?.errors) ? answer.errors : [];
  if (error !== undefined) return oneLine(String((error as { readonly message?: unknown }).message));
  const found = answer?.data?.orbVersion;
  if (found === null) return undefined;
  const { version, source } = (found ?? {}) as { readonly version?: unknown; readonly source?: unknown };
  if (typeof version !== 'string' || typeof source !== 'string' || !/^(?:\d+\.\d+\.\d+|dev:[\w./-]+)$/.test(version)) {
    return 'its answer holds no orb';
  }
  return { version, source };
}

/** A text of a server, short and harmless. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, 200);
}

function take(reference: string, version: string, source: Buffer, access: IncludeAccess): Had<LoadedFile> {
  access.onLocked('orbs', reference, { sha: hashOf(source), version });
  const path = `${reference.replace(/@.*/s, '')}@${version}`;
  return had({ path, text: source.toString('utf8'), origin: { kind: 'nowhere' } });
}

/** What a user reads about an orb that can't be had, as the rest of a sentence: who wants the orb says the beginning. */
export function toldOfOrb({ kind, why = '', hint }: Trouble): Checked<never> {
  if (kind === 'not-read') return told({ kind, why }, '');
  const rest = hint === undefined ? {} : { hint };
  return {
    value: undefined,
    diagnostics: [{ code: 'circle/missing-orb', severity: 'warning', message: why, ...rest }],
  };
}
