import { existsSync } from 'node:fs';
import type { Check } from './check.ts';

const proxies = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'];
/** Files or folders of certificates, by who reads them. */
const authorities = [
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'GIT_SSL_CAINFO',
];

/** Proxies and certificates that the environment names. Passwords in addresses are taken out where all is printed. */
export const networkCheck: Check = {
  id: 'network',
  look: ({ invocation: { env } }) => {
    const set = (names: readonly string[]): Record<string, string> =>
      Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
    const found = {
      ...set(proxies.flatMap((name) => [name, name.toUpperCase()])),
      ...set(authorities),
    };
    const details = { variables: found };
    const missing = authorities.filter((name) => env[name] && !env[name].split(':').some((path) => existsSync(path)));
    const listed = Object.entries(found).map(([name, value]) => `${name}=${value}`);
    if (missing.length > 0) {
      return {
        status: 'warn',
        message: `${missing.map((name) => `${name}=${env[name]}`).join(', ')}: there is no such file`,
        fix: `unset ${missing.join(' ')}, or put the certificates there: programs that read them fail`,
        details,
      };
    }
    if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
      const message = 'NODE_TLS_REJECT_UNAUTHORIZED=0: nobody looks at certificates';
      return { status: 'warn', message, fix: 'unset it, and name your authority in NODE_EXTRA_CA_CERTS', details };
    }
    if (listed.length === 0) return { status: 'ok', message: 'no proxy, no certificates of your own', details };
    const message = `${listed.join('\n')}\nshell jobs see these; containers and the engine have their own`;
    return { status: 'ok', message, details };
  },
};
