import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Variable } from '../../model/variable.ts';
import type { RunnerEntry } from '../config/runner-config.ts';

/** By what a job and its git know the server, and are known to it. */
export interface ServerCertificates {
  /** Absolute paths of PEM files on this machine, for the address that sources come from. */
  readonly paths: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Of the job: `CI_SERVER_TLS_CA_FILE`, and with client certificates `…_CERT_FILE` and `…_KEY_FILE`. */
  readonly variables: readonly Variable[];
}

/**
 * Source: https://docs.gitlab.com/runner/configuration/tls-self-signed/#git-cloning
 * @param caChain of the connection that brought the job; '' : none.
 * @param directory of the job; absolute.
 */
export async function serverCertificates(
  caChain: string,
  { url, cloneUrl, tls }: Pick<RunnerEntry, 'url' | 'cloneUrl' | 'tls'>,
  directory: string,
): Promise<ServerCertificates> {
  const cert = await contentOf(tls.certFile);
  const key = await contentOf(tls.keyFile);
  const client = cert === '' || key === '' ? [] : [fileVariable('CERT', cert), fileVariable('KEY', key)];
  // Another address than the server's may well be known by another certificate.
  const isOfSources = tls.caFile !== undefined || cloneUrl === undefined || hostOf(cloneUrl) === hostOf(url);
  const { caFile: _, ...own } = tls;
  if (caChain === '') return { paths: own, variables: client };
  const variables = [fileVariable('CA', caChain), ...client];
  if (!isOfSources) return { paths: own, variables };
  const caFile = join(directory, 'server-ca.pem');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(caFile, caChain, { mode: 0o600 });
  return { paths: { ...own, caFile }, variables };
}

function fileVariable(what: 'CA' | 'CERT' | 'KEY', value: string): Variable {
  return { name: `CI_SERVER_TLS_${what}_FILE`, value, file: true, raw: true };
}

/** A file that can't be read is none; the connection has told so. */
async function contentOf(path: string | undefined): Promise<string> {
  return path === undefined ? '' : readFile(path, 'utf8').catch(() => '');
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
