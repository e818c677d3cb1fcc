import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bitString, bytes, explicit, flag, implicit, integer, objectId, sequence, set, text, time } from './der.ts';

/** PEM texts. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

/** As GitLab Runner's. */
const years = 2;
/** Clocks of two machines are never the same. */
const earlierMs = 3_600_000;

const ids = {
  organization: '2.5.4.10',
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAltName: '2.5.29.17',
} as const;

/**
 * Makes a key and a certificate that is its own authority, for a TLS server of this host. It lives in memory alone. The fields are
 * those that GitLab Runner's have. Source: RFC 5280, section 4.1
 * @param host a name or an address; brackets of IPv6 left out.
 */
export function selfSigned(host: string, nowMs: number): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectId(ids.ecdsaWithSha256));
  const name = sequence(
    nameOf(ids.organization, 'ci runner'),
    // Longer ones have no room there; nobody looks at it beside the alternative names.
    ...(host.length <= 64 ? [nameOf(ids.commonName, host)] : []),
  );
  const from = new Date(nowMs - earlierMs);
  const until = new Date(nowMs);
  until.setUTCFullYear(until.getUTCFullYear() + years);
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    name,
    sequence(time(from), time(until)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(host))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, bitString(signature));
  const base64 = certificate.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

function nameOf(id: string, value: string): Buffer {
  return set(sequence(objectId(id), text(value)));
}

function extensions(host: string): readonly Buffer[] {
  const digitalSignature = Buffer.from([0x80]);
  return [
    extension(ids.basicConstraints, sequence(), 'critical'),
    extension(ids.keyUsage, bitString(digitalSignature, 7), 'critical'),
    extension(ids.extendedKeyUsage, sequence(objectId(ids.serverAuth))),
    extension(ids.subjectAltName, sequence(alternativeName(host))),
  ];
}

function extension(id: string, value: Buffer, weight?: 'critical'): Buffer {
  return sequence(objectId(id), ...(weight === undefined ? [] : [flag()]), bytes(value));
}

function alternativeName(host: string): Buffer {
  const version = isIP(host);
  if (version === 0) return implicit(2, Buffer.from(host, 'latin1'));
  return implicit(7, version === 4 ? Buffer.from(host.split('.').map(Number)) : sixteenBytes(host));
}

/** An IPv6 address as bytes; `URL` writes all forms of it alike. */
function sixteenBytes(address: string): Buffer {
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const all = [...front, ...new Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
