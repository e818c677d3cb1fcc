/** The address as people write it, without what the interface does not need: `https://h/gitlab/ci/` → `https://h/gitlab`. */
export function fixedUrl(url: string): string {
  return url.trim().replace(/\/+$/, '').replace(/\/ci$/, '').replace(/\/+$/, '');
}

/** Where the paths of the interface begin, or why there is no such place. */
export type BaseUrl = { readonly kind: 'ok'; readonly url: URL } | { readonly kind: 'wrong'; readonly why: string };

/** Works out `https://h/gitlab/api/v4/`; no connection is made. */
export function baseUrlOf(url: string): BaseUrl {
  const fixed = fixedUrl(url);
  if (!/^https?:\/\//i.test(fixed)) return { kind: 'wrong', why: 'only http or https scheme supported' };
  if (!URL.canParse(`${fixed}/api/v4/`)) return { kind: 'wrong', why: `${fixed} is no address` };
  const base = new URL(`${fixed}/api/v4/`);
  base.search = '';
  base.hash = '';
  return base.pathname.endsWith('/api/v4/')
    ? { kind: 'ok', url: base }
    : { kind: 'wrong', why: 'the address of a server has no query and no fragment' };
}

/**
 * The address of a path below the base.
 * @throws Error for a path with control characters, which the parser would drop silently.
 */
export function resolvePath(base: URL, path: string): URL {
  if (/[\u0000-\u0020\u007f]/.test(path)) throw new Error(`invalid character in the path ${JSON.stringify(path)}`);
  return new URL(path, base);
}
