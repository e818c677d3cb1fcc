/** Takes user and password off an address. */
export function withoutLogin(repoUrl: string): { readonly url: string; readonly login: string | undefined } {
  const [, scheme, login, rest] = /^([a-z][a-z\d+.-]*:\/\/)([^/@]+)@(.*)$/i.exec(repoUrl) ?? [];
  return login === undefined ? { url: repoUrl, login: undefined } : { url: `${scheme}${rest}`, login };
}
