import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { SystemError } from '../../model/outcome.ts';
import type { Clock } from '../../util/clock.ts';
import type { S3Cache } from '../config/runner-config.ts';
import { Connections } from '../network/connections.ts';
import { errorText } from '../network/error-text.ts';
import { discard, exchange, type Reply } from '../network/exchange.ts';
import { defaultLimits, type NetworkLimits } from '../network/network-limits.ts';
import { isRetriable } from '../network/retry.ts';
import type { TlsMaterial } from '../network/tls-files.ts';
import { signedRequest } from './s3-request.ts';

/** How often a request is tried, and the wait before the second try, which doubles. */
const attempts = 3;
const firstWaitMs = 1000;

/** Of an object that is sent in one piece. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
const largestBytes = 5 * 1024 ** 3;

/** What a bucket is reached with. */
export interface S3BucketGiven {
  readonly s3: S3Cache;
  readonly clock: Clock;
  /** For proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tls: TlsMaterial;
  /** Of one try, its body too. */
  readonly timeoutMs: number;
}

/** How a download went; `etag` of the object, '' if it has none. */
export type Got =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'new'; readonly etag: string };

/** The objects of one bucket. Close it when it is no longer needed. */
export interface S3Bucket extends Disposable {
  /**
   * Downloads an object into a file, unless it is the one that is known.
   * @param known.etag of an object that is here already.
   * @throws SystemError
   */
  get(name: string, into: string, known: { readonly etag?: string | undefined }, signal: AbortSignal): Promise<Got>;
  /** Uploads a file, in one piece and all or nothing. @returns its `ETag`. @throws SystemError */
  put(name: string, file: { readonly path: string; readonly sizeBytes: number }, signal: AbortSignal): Promise<string>;
}

/** A bucket on any server that speaks S3's interface. Nothing is connected yet. */
export function s3Bucket(given: S3BucketGiven): S3Bucket {
  const { s3, timeoutMs } = given;
  const limits: NetworkLimits = { ...defaultLimits, headersMs: timeoutMs, totalMs: timeoutMs };
  const connections = new Connections({ ...given, limits });
  const ask = async (request: Request, signal: AbortSignal): Promise<Reply> => {
    const { method, name, path } = request;
    const signed = signedRequest(s3, { method, name, headers: request.headers }, given.clock.now());
    const body =
      path === undefined ? undefined : ({ kind: 'stream', open: async () => createReadStream(path) } as const);
    return exchange(connections, { ...signed, method, place: 'foreign', body, signal, limits });
  };
  return {
    get: (name, into, { etag }, signal) => {
      const headers = etag === undefined ? {} : { 'If-None-Match': etag };
      return tried(given, signal, async (): Promise<Got> => {
        const reply = await ask({ method: 'GET', name, headers }, signal);
        if (reply.status === 200) {
          await pipeline(reply.body, createWriteStream(into, { mode: 0o600 }), { signal });
          return { kind: 'new', etag: reply.headers.etag ?? '' };
        }
        const isKnown = reply.status === 304 && etag !== undefined;
        if (!isKnown && reply.status !== 404) throw await refusal('GET', reply, s3);
        await discard(reply);
        return { kind: isKnown ? 'unchanged' : 'missing' };
      });
    },
    put: async (name, { path, sizeBytes }, signal) => {
      if (sizeBytes > largestBytes) {
        const what = `the archive has ${sizeBytes} bytes, and a bucket takes no more than 5 GiB in one piece`;
        throw new SystemError('runner_system_failure', what, { hint: 'cache less, or split it into several caches' });
      }
      const headers = {
        'Content-Type': 'application/octet-stream',
        'Content-Length': String(sizeBytes),
        ...encryption(s3),
      };
      return tried(given, signal, async () => {
        const reply = await ask({ method: 'PUT', name, headers, path }, signal);
        if (reply.status < 200 || reply.status > 299) throw await refusal('PUT', reply, s3);
        await discard(reply);
        return reply.headers.etag ?? '';
      });
    },
    [Symbol.dispose]: () => connections.close(),
  };
}

interface Request {
  readonly method: 'GET' | 'PUT';
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of what is sent. */
  readonly path?: string;
}

/** An answer that another try may better, or may not. */
class Refusal extends Error {
  readonly retriable: boolean;

  constructor(message: string, retriable: boolean) {
    super(message);
    this.retriable = retriable;
  }
}

async function tried<T>({ clock }: S3BucketGiven, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const mayPass = !(error instanceof Refusal) || error.retriable;
      if (mayPass && count < attempts && !(error instanceof TypeError)) {
        await clock.sleep(firstWaitMs * 2 ** (count - 1), signal);
        signal.throwIfAborted();
        continue;
      }
      const what = `the server of caches can't be used: ${(error as Error).message}`;
      throw new SystemError('runner_system_failure', what, { cause: error });
    }
  }
}

async function refusal(method: string, reply: Reply, s3: S3Cache): Promise<Refusal> {
  if (reply.status >= 300 && reply.status < 400) {
    await discard(reply);
    const what = `${reply.statusText}: the bucket ${s3.bucketName} is elsewhere, see \`BucketLocation\` and \`ServerAddress\``;
    return new Refusal(what, false);
  }
  const text = await errorText(method, reply, 'json-or-xml');
  const secrets = [s3.secretKey, s3.sessionToken, s3.accessKey].filter((secret) => secret !== '');
  return new Refusal(
    secrets.reduce((shown, secret) => shown.replaceAll(secret, '[MASKED]'), text),
    isRetriable(reply.status),
  );
}

/** Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runnerscaches3-section */
function encryption({ serverSideEncryption, serverSideEncryptionKeyId }: S3Cache): Readonly<Record<string, string>> {
  const algorithm = algorithms[serverSideEncryption?.toUpperCase() ?? ''];
  if (algorithm === undefined) return {};
  const wantsKey = algorithm !== 'AES256' && serverSideEncryptionKeyId !== undefined;
  return {
    'X-Amz-Server-Side-Encryption': algorithm,
    ...(wantsKey ? { 'X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id': serverSideEncryptionKeyId } : {}),
  };
}

const algorithms: Readonly<Record<string, string>> = {
  S3: 'AES256',
  AES256: 'AES256',
  KMS: 'aws:kms',
  'AWS:KMS': 'aws:kms',
  'DSSE-KMS': 'aws:kms:dsse',
};
