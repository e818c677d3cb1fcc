/** A remote's URL taken apart. */
export interface Remote {
  readonly host: string;
  /** Only of an `http` or `https` URL that names one. */
  readonly port?: string;
  readonly protocol: 'http' | 'https';
  /** `group/sub/name`, without `.git`. */
  readonly path: string;
}

/** The URL without user name and password; an scp-like address (`git@host:path`) stays as it is. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*(?:@[^/@]*)*@/i, (whole, scheme: string) =>
    /^ssh:/i.test(scheme) && !/:[^/]*@/.test(whole.slice(scheme.length)) ? whole : scheme,
  );
}

/**
 * Takes apart `https://host:port/path.git`, `ssh://git@host:port/path.git` and `git@host:path.git`.
 * @returns undefined for local paths and whatever else names no host.
 */
export function parseRemote(url: string): Remote | undefined {
  const full = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/]*@)?(\[[^\]/]+\]|[^/:]+)(?::(\d+))?\/+(.+)$/i.exec(url);
  if (full) {
    const [, scheme, host, port, path] = full;
    const lower = scheme!.toLowerCase();
    if (lower === 'file') return undefined;
    const web = lower === 'http' || lower === 'https';
    return remote(host!, path!, lower === 'http' ? 'http' : 'https', web ? port : undefined);
  }
  const scp = /^(?:[^@/:\s]+@)?(\[[^\]/]+\]|[^/:\s]{2,}):(?!\/\/)\/*(.+)$/.exec(url);
  return scp ? remote(scp[1]!, scp[2]!, 'https', undefined) : undefined;
}

function remote(host: string, path: string, protocol: 'http' | 'https', port: string | undefined): Remote | undefined {
  const cleaned = path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .join('/');
  if (cleaned === '') return undefined;
  return { host: host.toLowerCase(), protocol, path: cleaned, ...(port === undefined ? {} : { port }) };
}
