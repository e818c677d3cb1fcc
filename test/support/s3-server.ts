import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Rver {
  run(): Promise<{ readonly address: string; readonly port: number }>;
  close(): Promise<void>;
}

const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => Rver;

/** A server that speaks S3's interface and checks signatures; its only key is `S3RVER` with the secret `S3RVER`. */
export interface S3Server extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly bucket: string;
  /** Names of all objects. */
  objects(): readonly string[];
}

/** Starts one on a free port, with one bucket. */
export async function startS3Server(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'ci-s3-'));
  const bucket = 'caches';
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket }],
  });
  const { port } = await server.run();
  const front = createServer((asked, reply) => {
    if (!isSigned(asked)) {
      asked.resume();
      reply.writeHead(403, { 'Content-Type': 'application/xml' });
      reply.end('<Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.</Message></Error>');
      return;
    }
    const { method, url, headers } = asked;
    const on = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      reply.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(reply);
    });
    on.on('error', () => reply.destroy());
    asked.pipe(on);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    address: `127.0.0.1:${(front.address() as AddressInfo).port}`,
    bucket,
    objects: () =>
      readdirSync(join(directory, bucket), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('_object'))
        .map((name) => name.slice(0, -'._S3rver_object'.length))
        .sort(),
    [Symbol.asyncDispose]: async () => {
      front.closeAllConnections();
      front.close();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Checks signature version 4, which the server itself does not.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function isSigned({ method, url = '', headers }: IncomingMessage): boolean {
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=S3RVER\/(\d{8}\/([\w-]+)\/s3\/aws4_request), SignedHeaders=([\w;-]+), Signature=([\da-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (parsed === null) return false;
  const [, scope = '', region = '', names = '', signature] = parsed;
  const values = names.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`);
  const [path = '', query = ''] = url.split('?');
  const canonical = [method, path, query, values.join(''), names, headers['x-amz-content-sha256']].join('\n');
  const time = String(headers['x-amz-date']);
  const hash = createHash('sha256').update(canonical).digest('hex');
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = ['s3', 'aws4_request'].reduce(mac, mac(mac('AWS4S3RVER', time.slice(0, 8)), region));
  return (
    names.split(';').includes('host') &&
    mac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`).toString('hex') === signature
  );
}
