/** One line of a git configuration: `remote.origin.url` and its value. */
export interface GitSetting {
  readonly key: string;
  readonly value: string;
}

/** Settings that change how files are read and compared, and can't run anything. */
const harmless = new Set([
  'core.autocrlf',
  'core.eol',
  'core.filemode',
  'core.ignorecase',
  'core.precomposeunicode',
  'core.safecrlf',
  'core.sparsecheckout',
  'core.sparsecheckoutcone',
  'core.symlinks',
  'extensions.partialclone',
]);

/**
 * Picks from the output of `git config -z --list` what a job's repository may have: harmless settings, and names,
 * addresses (without credentials) and fetch rules of remotes.
 */
export function sanitisedSettings(list: string): GitSetting[] {
  const settings: GitSetting[] = [];
  for (const item of list.split('\0')) {
    const newline = item.indexOf('\n');
    const key = newline < 0 ? item : item.slice(0, newline);
    const value = newline < 0 ? 'true' : item.slice(newline + 1);
    if (harmless.has(key) && /^[\w./-]*$/.test(value)) settings.push({ key, value });
    const remote = /^remote\.(.+)\.(url|fetch|promisor|partialclonefilter)$/s.exec(key);
    if (remote === null || /[\n\0]/.test(remote[1]!)) continue;
    const clean = remote[2] === 'url' ? withoutCredentials(value) : /^[\w+:/.*@=-]+$/.test(value) ? value : undefined;
    if (clean !== undefined) settings.push({ key, value: clean });
  }
  return settings;
}

/** A remote's address without user names and passwords (ssh keeps the user); undefined for one that runs a helper. */
export function withoutCredentials(url: string): string | undefined {
  if (url.startsWith('-') || /[\n\0]/.test(url)) return undefined;
  const parts = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/@]*)@)?(.*)$/is.exec(url);
  if (parts === null) return url.includes('::') ? undefined : url;
  const [, scheme, user, rest] = parts;
  switch (scheme!.toLowerCase()) {
    case 'http':
    case 'https':
      return `${scheme}://${rest!.replace(/^[^/]*@/, '')}`;
    case 'ssh':
    case 'git+ssh':
      return user === undefined ? url : `${scheme}://${user.replace(/:.*$/s, '')}@${rest}`;
    case 'git':
    case 'file':
      return `${scheme}://${rest}`;
    default:
      return undefined;
  }
}

/** The text of a `config` file. */
export function settingsText(settings: readonly GitSetting[], objectFormat: 'sha1' | 'sha256'): string {
  const extended = objectFormat === 'sha256' || settings.some(({ key }) => key.startsWith('extensions.'));
  const all: GitSetting[] = [
    { key: 'core.repositoryformatversion', value: extended ? '1' : '0' },
    { key: 'core.bare', value: 'false' },
    { key: 'core.logallrefupdates', value: 'true' },
    // Copies have the times and sizes of the user's files, not their inodes.
    { key: 'core.checkstat', value: 'minimal' },
    { key: 'core.trustctime', value: 'false' },
    { key: 'gc.auto', value: '0' },
    ...(objectFormat === 'sha256' ? [{ key: 'extensions.objectformat', value: 'sha256' }] : []),
    ...settings,
  ];
  return all
    .map(({ key, value }) => `${sectionOf(key)}\n\t${key.slice(key.lastIndexOf('.') + 1)} = ${quoted(value)}\n`)
    .join('');
}

function sectionOf(key: string): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  if (first === last) return `[${key.slice(0, first)}]`;
  return `[${key.slice(0, first)} ${quoted(key.slice(first + 1, last))}]`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
