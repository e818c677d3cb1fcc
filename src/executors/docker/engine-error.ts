import { SystemError } from '../../model/outcome.ts';
import { containerTrouble } from './container-trouble.ts';
import type { EngineAddress } from './engine-address.ts';

/** What is said when the engine goes away in the middle of something. */
export const connectionBroke = 'the connection broke (did the engine stop?)';

/** Status of an engine's HTTP error; undefined for other errors. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The engine's own words, without Dockerode's prefix; of what went wrong on the way to it, what to do about it. */
export function shortReason(error: unknown, address?: EngineAddress): string {
  const json = (error as { json?: { message?: unknown } } | null | undefined)?.json;
  if (typeof json?.message === 'string') return json.message.trim();
  const code = codeOf(error);
  if (address?.kind === 'ssh' && code === 'ENOENT') return 'the program `ssh` is not installed';
  return (
    (address?.kind === 'tcp' ? tcpReason(error, code, address) : undefined) ??
    (code === undefined ? undefined : known[code]) ??
    (messageOf(error).replace(/^\(HTTP code \d+\) .*? - /, '') || (code ?? 'no reason given'))
  );
}

/** An error of the engine, or of the way to it, that names it; SystemErrors and abort reasons stay as they are. */
export function engineFailure(text: string, address: EngineAddress, doing: string, error: unknown): unknown {
  if (error instanceof SystemError || (error instanceof Error && error.name === 'AbortError')) return error;
  const reason = shortReason(error, address);
  const trouble = statusOf(error) === undefined ? undefined : containerTrouble(reason);
  if (trouble?.of === 'wish') {
    const { what, hint } = trouble;
    return new SystemError('runner_configuration_error', `cannot ${doing}: ${what}`, { cause: error, hint });
  }
  const message = `container engine ${text}: cannot ${doing}: ${trouble?.what ?? reason}`;
  const hint = trouble === undefined ? {} : { hint: trouble.hint };
  return new SystemError('runner_system_failure', message, { cause: error, ...hint });
}

const known: Readonly<Record<string, string>> = {
  ENOENT: 'not there',
  ECONNREFUSED: 'nobody listens',
  EACCES: 'permission denied (is your user in the group `docker`?)',
  ECONNRESET: connectionBroke,
  EPIPE: connectionBroke,
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host could not be looked up',
  EHOSTUNREACH: 'the host can not be reached',
  ENETUNREACH: 'the network can not be reached',
  ETIMEDOUT: 'the host does not answer',
};

/** Codes of Node and OpenSSL for a chain that ends at no known CA. */
const unknownIssuer = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
]);

function tcpReason(
  error: unknown,
  code: string | undefined,
  { host, tls }: EngineAddress & { readonly kind: 'tcp' },
): string | undefined {
  const message = messageOf(error);
  if (/HTTP request to an HTTPS server/.test(message)) {
    return 'it wants TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of its certificates';
  }
  if (tls === undefined || code === undefined) return undefined;
  const ca = tls.ca === undefined ? `there is no ca.pem in ${tls.directory}` : `${tls.directory}/ca.pem is another's`;
  if (unknownIssuer.has(code)) return `its certificate is not of a known CA: ${ca}`;
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired: whoever runs the engine has to renew it';
  if (code === 'CERT_NOT_YET_VALID') return "its certificate is not valid yet (is this machine's clock right?)";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = (error as { readonly cert?: { readonly subjectaltname?: string } }).cert?.subjectaltname;
    return `its certificate is not for ${host}, but for ${names ?? 'no name at all'}`;
  }
  if (/^ERR_SSL_.*ALERT/.test(code)) {
    if (tls.cert === undefined || tls.key === undefined) {
      return `it wants a certificate of the client: there is no cert.pem with its key.pem in ${tls.directory}`;
    }
    const words = message.replace(/^.*SSL routines:[^:]*:/, '').replace(/:.*$/s, '');
    return `it refuses our certificate ${tls.directory}/cert.pem (${words})`;
  }
  if (/wrong version number|packet length too long/.test(message)) return 'it does not speak TLS on this port';
  if (/^ERR_OSSL/.test(code)) return `the certificates in ${tls.directory} can't be used: ${message}`;
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim();
}
