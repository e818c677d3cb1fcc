import { AwsV4Signer } from 'aws4fetch';
import type { S3Cache } from '../config/runner-config.ts';

/** Where S3 itself is, which has an address for each region. */
const amazon = 's3.amazonaws.com';
const defaultRegion = 'us-east-1';

/** A request to a bucket, ready to be sent; the signature stands in its headers, never in its address. */
export interface SignedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs a request with signature version 4; its body is not part of the signature. */
export async function signedRequest(
  s3: S3Cache,
  request: {
    readonly method: 'GET' | 'PUT';
    readonly name: string;
    readonly headers: Readonly<Record<string, string>>;
  },
  nowMs: number,
): Promise<SignedRequest> {
  const signer = new AwsV4Signer({
    method: request.method,
    url: objectUrl(s3, request.name).href,
    headers: { ...request.headers },
    accessKeyId: s3.accessKey,
    secretAccessKey: s3.secretKey,
    ...(s3.sessionToken === '' ? {} : { sessionToken: s3.sessionToken }),
    service: 's3',
    region: s3.bucketLocation || defaultRegion,
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  });
  const { url, headers } = await signer.sign();
  return { url, headers: Object.fromEntries(headers) };
}

/**
 * The address of an object: the bucket in the path, or in the host where the server is Amazon's.
 * @throws TypeError for a `ServerAddress` that is none.
 */
export function objectUrl(s3: S3Cache, name: string): URL {
  const { serverAddress, bucketName, bucketLocation, insecure } = s3;
  const isRegional = serverAddress === amazon && bucketLocation !== '' && bucketLocation !== defaultRegion;
  const address = isRegional ? `s3.${bucketLocation}.amazonaws.com` : serverAddress.replace(/\/+$/, '');
  const base = new URL(/^https?:\/\//i.test(address) ? address : `${insecure ? 'http' : 'https'}://${address}`);
  const path = name.split('/').map(encodePart).join('/');
  // A certificate for *.s3.amazonaws.com is not good for names with dots.
  const fitsHost = /\.amazonaws\.com(\.cn)?$/i.test(base.hostname) && /^[a-z0-9][a-z0-9-]+$/.test(bucketName);
  if (s3.pathStyle ?? !fitsHost) return new URL(`/${encodePart(bucketName)}/${path}`, base);
  base.host = `${bucketName}.${base.host}`;
  return new URL(`/${path}`, base);
}

/** All but what RFC 3986 never encodes: servers make the signed text out of what they decode. */
function encodePart(text: string): string {
  const whole = Buffer.from(text).toString();
  return encodeURIComponent(whole).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
