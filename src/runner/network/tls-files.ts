import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { once } from '../../util/once.ts';
import type { RunnerLog } from '../runner-log.ts';
import type { Credentials } from './gitlab-client.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * The files of one server: those that were named, else those of the certificate directory by the server's host name.
 * Source: https://docs.gitlab.com/runner/configuration/tls-self-signed/
 */
export function tlsFilesOf(credentials: Credentials, directory: string | undefined, host: string): TlsFiles {
  const name = host.replace(/^\[|\]$/g, '');
  const predefined = (ending: string) => (directory === undefined ? undefined : join(directory, `${name}${ending}`));
  return {
    ca: credentials.tlsCaFile || predefined('.crt'),
    cert: credentials.tlsCertFile || predefined('.auth.crt'),
    key: credentials.tlsKeyFile || predefined('.auth.key'),
  };
}

/** What connections are secured with. */
export interface TlsState {
  /** For the server itself. */
  readonly own: SecureContext;
  /** For where it redirects to: no client certificate. */
  readonly foreign: SecureContext;
  /** The CA file's content; '' : none. */
  readonly caFile: string;
  /** Tells states apart. */
  readonly fingerprint: string;
}

/** Where systems keep the certificates that their owner trusts, beside those that Node brings. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** A certificate of the pool is trusted whoever signed it, be it the server's own, as Go's programs do. */
const rules = { minVersion: 'TLSv1.2', allowPartialTrustChain: true } as const;

/** Reads the files, again when one of them has changed. Missing files don't matter, wrong ones are told and left out. */
export class TlsMaterial {
  readonly #files: TlsFiles;
  readonly #log: RunnerLog;
  readonly #system: () => Promise<string>;
  #state: TlsState | undefined;

  /** @param bundle `SSL_CERT_FILE`: stands for the system's, as with other programs. */
  constructor(files: TlsFiles, log: RunnerLog, bundle?: string) {
    this.#files = files;
    this.#log = log;
    this.#system = once(async () => readFirst(bundle ? [bundle] : systemBundles));
  }

  async current(): Promise<TlsState> {
    const { ca, cert, key } = this.#files;
    const fingerprint = (await Promise.all([ca, cert, key].map(stampOf))).join(' ');
    if (this.#state?.fingerprint !== fingerprint) this.#state = await this.#read(fingerprint);
    return this.#state;
  }

  async #read(fingerprint: string): Promise<TlsState> {
    const [ca, cert, key] = await Promise.all([this.#files.ca, this.#files.cert, this.#files.key].map(contentOf));
    const caFile = this.#checked(ca);
    // Node's and the system's are mostly the same, and each costs its time.
    const pool = [...new Set([...rootCertificates, ...blocksOf(await this.#system()), ...blocksOf(caFile)])];
    const foreign = createSecureContext({ ...rules, ca: pool });
    return { own: this.#withClient(pool, cert, key) ?? foreign, foreign, caFile, fingerprint };
  }

  #withClient(ca: string[], cert: string | undefined, key: string | undefined): SecureContext | undefined {
    if (cert === undefined || key === undefined) return undefined;
    try {
      return createSecureContext({ ...rules, ca, cert, key });
    } catch (error) {
      this.#log('error', 'Failed to load the client certificate', {
        cert: this.#files.cert,
        key: this.#files.key,
        error: (error as Error).message,
      });
      return undefined;
    }
  }

  #checked(pem: string | undefined): string {
    if (pem === undefined) return '';
    const blocks = blocksOf(pem);
    const good = blocks.filter(isCertificate);
    if (good.length === 0 || good.length < blocks.length) {
      this.#log('error', 'Failed to load certificates of the CA file', { file: this.#files.ca });
    }
    return good.length === 0 ? '' : `${good.join('\n')}\n`;
  }
}

function blocksOf(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

async function stampOf(path: string | undefined): Promise<string> {
  if (path === undefined) return '-';
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? '-' : `${found.mtimeMs}:${found.size}:${found.ino}`;
}

async function contentOf(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, 'utf8').catch(() => undefined);
}

async function readFirst(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const content = await contentOf(path);
    if (content !== undefined) return content;
  }
  return '';
}
