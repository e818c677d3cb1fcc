import { withoutLogin } from './login-of.ts';

/** GitLab Runner's name, which sandboxes of users let through. */
const fileName = '.gitlab-runner.ext.conf';

/** What the git of a job is told by a file outside of the job's directory. */
export interface JobGitConfig {
  /** With the login of the job. */
  readonly url: string;
  /** Addresses by ssh of the same server are asked for by https. */
  readonly forceHttps: boolean;
  /** Absolute paths in the job. */
  readonly tls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

/** Where the file is in the job. @param temporaryDirectory absolute, in the job. */
export function jobGitConfigPath(temporaryDirectory: string): string {
  return `${temporaryDirectory}/${fileName}`;
}

/** The text of the file, which holds the login. Source: GitLab Runner, `shells/abstract.go`, externalized git config */
export function jobGitConfig({ url, forceHttps, tls }: JobGitConfig): string {
  const addresses = loginAddresses(url, { forceHttps });
  const stands = addresses.map(({ stands, from }) => section(`url "${quoted(stands)}"`, [['insteadOf', from]]));
  const origin = originOf(url);
  const files = [
    ['sslCAInfo', tls.caFile],
    ['sslCert', tls.certFile],
    ['sslKey', tls.keyFile],
  ].flatMap(([key, value]) => (value === undefined ? [] : [[key!, value] as const]));
  const secured = origin?.startsWith('https:') && files.length > 0 ? [section(`http "${quoted(origin)}"`, files)] : [];
  return [...stands, ...secured].join('');
}

/**
 * Addresses in whose place the login of the job stands: those of its server alone, also for submodules there.
 * @param url of the job's repository, with the login.
 */
export function loginAddresses(
  url: string,
  { forceHttps }: { readonly forceHttps: boolean },
): readonly { readonly stands: string; readonly from: string }[] {
  const { login } = withoutLogin(url);
  const origin = originOf(url);
  if (login === undefined || origin === undefined) return [];
  const { hostname } = new URL(origin);
  const stands = `${origin.replace('://', `://${login}@`)}/`;
  const others = forceHttps ? [`git@${hostname}:`, `ssh://git@${hostname}/`] : [];
  return [`${origin}/`, ...others].map((from) => ({ stands, from }));
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function section(name: string, entries: readonly (readonly [string, string])[]): string {
  return `[${name}]\n${entries.map(([key, value]) => `\t${key} = "${quoted(value)}"\n`).join('')}`;
}

function quoted(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
