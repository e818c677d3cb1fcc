/** Where the projects of a server are fetched from. */
export interface GitServer {
  /** Name with the port, if that is not the usual one; as components' addresses name it. */
  readonly host: string;
  /** Address for git of a project by its path. */
  readonly address: (project: string) => string;
  readonly protocol: 'https' | 'http' | 'ssh';
}

/**
 * The server that a repository's `origin` lies on, and how that is reached: another project of it is reached the same
 * way, by https, ssh or (only if `origin` is) http. Undefined: it is a folder, or nothing.
 */
export function serverOfRemote(remoteUrl: string | undefined): GitServer | undefined {
  if (remoteUrl === undefined) return undefined;
  const full = /^(https?|ssh):\/\/((?:[^/@]*@)?)(\[[^\]/]+\]|[\w.-]+)(?::(\d+))?\/.+$/i.exec(remoteUrl);
  if (full) {
    const [, scheme = '', user = '', name = '', port] = full;
    if (name.startsWith('-') || user.startsWith('-')) return undefined;
    const protocol = scheme.toLowerCase() as GitServer['protocol'];
    const host = name.toLowerCase();
    const at = port === undefined ? '' : `:${port}`;
    const login = protocol === 'ssh' ? user : '';
    const prefix = `${protocol}://${login}${host}${at}`;
    return {
      host: protocol === 'ssh' ? host : `${host}${at}`,
      protocol,
      address: (project) => `${prefix}/${project}.git`,
    };
  }
  const short = /^(?:([\w.-]+)@)?([\w.-]{2,}|\[[^\]/]+\]):(?!\/\/).+$/.exec(remoteUrl);
  if (!short || short[2]!.startsWith('-') || short[1]?.startsWith('-')) return undefined;
  const host = short[2]!.toLowerCase();
  const login = short[1] === undefined ? '' : `${short[1]}@`;
  return { host, protocol: 'ssh', address: (project) => `ssh://${login}${host}/${project}.git` };
}

/**
 * A server by its address, such as `https://gitlab.example.test/gitlab` or `ssh://git@gitlab.example.test:2222`, or by its
 * name alone.
 */
export function serverAt(address: string): GitServer | undefined {
  const text = /^(https?|ssh):\/\//i.test(address) ? address : `https://${address}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1) as GitServer['protocol'];
  const login = protocol === 'ssh' && url.username !== '' ? `${url.username}@` : '';
  if (url.hostname.startsWith('-') || login.startsWith('-')) return undefined;
  const prefix = `${protocol}://${login}${url.host}${url.pathname.replace(/\/+$/, '')}`;
  return {
    host: protocol === 'ssh' ? url.hostname : url.host,
    protocol,
    address: (project) => `${prefix}/${project}.git`,
  };
}

/** The header by which a token is shown to a GitLab server, and nobody else. */
export function tokenSettings(
  server: GitServer,
  token: ServerToken | undefined,
): readonly (readonly [string, string])[] {
  if (token === undefined || server.protocol === 'ssh') return [];
  const login = Buffer.from(`${token.kind === 'job' ? 'gitlab-ci-token' : 'oauth2'}:${token.value}`).toString('base64');
  const at = `${server.protocol}://${server.host}/`;
  return [
    [`http.${at}.extraHeader`, `Authorization: Basic ${login}`],
    // A header would follow a redirect.
    ['http.followRedirects', 'false'],
  ];
}

/** A token of the user's, or of the GitLab job that we run in. */
export interface ServerToken {
  readonly kind: 'user' | 'job';
  readonly value: string;
}
