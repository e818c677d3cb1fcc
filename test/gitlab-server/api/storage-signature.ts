import { createHash } from 'node:crypto';
import type { Store } from '../state/store.ts';

const lifeMs = 10 * 60_000;

/** Path and query of a job's archive in the object storage, good for ten minutes. */
export function signedPath(store: Store, jobId: number): string {
  const expires = store.now() + lifeMs;
  return `/artifacts/${jobId}/artifacts.zip?X-Amz-Expires=${expires}&X-Amz-Signature=${signature(store, jobId, expires)}`;
}

/** Is the query what `signedPath` made, and not too old? */
export function isSigned(store: Store, jobId: number, query: URLSearchParams): boolean {
  const expires = Number(query.get('X-Amz-Expires'));
  return expires > store.now() && query.get('X-Amz-Signature') === signature(store, jobId, expires);
}

function signature({ settings }: Store, jobId: number, expires: number): string {
  return createHash('sha256').update(`${settings.seed} ${jobId} ${expires}`).digest('hex');
}
