import { createHash, createHmac } from 'node:crypto';
import type { S3Cache } from '../config/runner-config.ts';

/** Where S3 itself is, which has an address for each region. */
const amazon = 's3.amazonaws.com';
const defaultRegion = 'us-east-1';

/** A request to a bucket, ready to be sent; the signature stands in its headers, never in its address. */
export interface SignedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Signs a request with signature version 4; its body is not part of the signature.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signedRequest(
  s3: S3Cache,
  request: {
    readonly method: 'GET' | 'PUT';
    readonly name: string;
    readonly headers: Readonly<Record<string, string>>;
  },
  nowMs: number,
): SignedRequest {
  const url = objectUrl(s3, request.name);
  const time = new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const headers = {
    ...request.headers,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': time,
    ...(s3.sessionToken === '' ? {} : { 'x-amz-security-token': s3.sessionToken }),
  };
  const signed = Object.entries({ ...headers, host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')] as const)
    .filter(([name]) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = [request.method, url.pathname, '', lines, names, 'UNSIGNED-PAYLOAD'].join('\n');
  const scope = [time.slice(0, 8), s3.bucketLocation || defaultRegion, 's3', 'aws4_request'];
  const hash = createHash('sha256').update(canonical).digest('hex');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${s3.secretKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), hash].join('\n')).toString('hex');
  const credential = `${s3.accessKey}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { url, headers: { ...headers, authorization } };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/**
 * The address of an object: the bucket in the path, or in the host where the server is Amazon's.
 * @throws TypeError for a `ServerAddress` that is none.
 */
export function objectUrl(s3: S3Cache, name: string): URL {
  const { serverAddress, bucketName, insecure } = s3;
  const address = serverAddress === amazon ? amazonAddress(s3) : serverAddress.replace(/\/+$/, '');
  const base = new URL(/^https?:\/\//i.test(address) ? address : `${insecure ? 'http' : 'https'}://${address}`);
  const path = name.split('/').map(encodePart).join('/');
  // A certificate for *.s3.amazonaws.com is not good for names with dots.
  const fitsHost = /\.amazonaws\.com(\.cn)?$/i.test(base.hostname) && /^[a-z0-9][a-z0-9-]+$/.test(bucketName);
  if (s3.pathStyle ?? !fitsHost) return new URL(`/${encodePart(bucketName)}/${path}`, base);
  base.host = `${bucketName}.${base.host}`;
  return new URL(`/${path}`, base);
}

function amazonAddress({ bucketLocation, accelerate }: S3Cache): string {
  if (accelerate) return 's3-accelerate.amazonaws.com';
  return bucketLocation === '' || bucketLocation === defaultRegion ? amazon : `s3.${bucketLocation}.amazonaws.com`;
}

/** All but what RFC 3986 never encodes: servers make the signed text out of what they decode. */
function encodePart(text: string): string {
  const whole = Buffer.from(text).toString();
  return encodeURIComponent(whole).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
