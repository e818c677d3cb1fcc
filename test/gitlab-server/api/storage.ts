import type { Reply } from '../http/reply.ts';
import type { Call } from './call.ts';
import { isSigned } from './storage-signature.ts';

const secretHeaders = ['job-token', 'runner-token', 'private-token', 'authorization', 'cookie'];

/**
 * An object storage as S3 is one: a signed address is enough, other credentials are refused, parts may be asked for.
 * Errors are XML.
 */
export function serveStorage(call: Call): Reply {
  const { store, incoming } = call;
  const carried = secretHeaders.filter((name) => incoming.headers[name] !== undefined);
  if (carried.length > 0) {
    call.note('token-to-storage', `${carried.join(', ')} sent to another origin`);
    return xmlError(400, 'InvalidArgument', 'Only one auth mechanism allowed');
  }
  const id = Number(/^\/artifacts\/(\d+)\/artifacts\.zip$/.exec(incoming.path)?.[1] ?? Number.NaN);
  const archive = store.jobs.get(id)?.artifacts.get('archive');
  if (!isSigned(store, id, incoming.query)) return xmlError(403, 'AccessDenied', 'Request has expired');
  if (archive === undefined) return xmlError(404, 'NoSuchKey', 'The specified key does not exist.');
  return partOf(archive.content, incoming.headers.range);
}

function partOf(content: Buffer, range: string | undefined): Reply {
  const headers = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  if (!match) return { status: 200, headers, body: content };
  const start = Number(match[1]);
  const end = Math.min(match[2] ? Number(match[2]) : content.length - 1, content.length - 1);
  if (start > end) return xmlError(416, 'InvalidRange', 'The requested range is not satisfiable');
  const place = { 'content-range': `bytes ${start}-${end}/${content.length}` };
  return { status: 206, headers: { ...headers, ...place }, body: content.subarray(start, end + 1) };
}

function xmlError(status: number, code: string, message: string): Reply {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
}
