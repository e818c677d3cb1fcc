import type { Connections } from './connections.ts';
import { discard, type Exchange, exchange, type Reply } from './exchange.ts';

/** What of a request a place that the server redirects to must not see. */
export interface RedirectRules {
  /** `body-has-token`: such a request follows to no other place. */
  readonly secrecy: 'body-has-token' | 'headers-only';
}

/** Headers that prove who we are, in lower case. */
const secretHeaders = new Set([
  'job-token',
  'runner-token',
  'private-token',
  'authorization',
  'cookie',
  'proxy-authorization',
]);

/**
 * Sends a request and follows where it is sent on to: 307 and 308 with method and body, 301, 302 and 303 for GET. Another
 * origin never sees a token: headers with one are dropped, and a body with one is not sent there; the redirection is the
 * answer then, as it is for other methods, which would have to become a GET.
 * @throws as `exchange`; Error after too many.
 */
export async function follow(connections: Connections, first: Exchange, rules: RedirectRules): Promise<Reply> {
  let request = first;
  for (let count = 0; ; count++) {
    const reply = await exchange(connections, request);
    const next = nextRequest(request, first.url, reply, rules);
    if (next === undefined) return reply;
    await discard(reply);
    if (count === first.limits.maxRedirects) throw new Error(`redirected more than ${count} times`);
    request = next;
  }
}

function nextRequest(request: Exchange, home: URL, reply: Reply, rules: RedirectRules): Exchange | undefined {
  const { location } = reply.headers;
  if (location === undefined || location === '' || !URL.canParse(location, request.url.href)) return undefined;
  const keeps = reply.status === 307 || reply.status === 308;
  if (!keeps && !([301, 302, 303].includes(reply.status) && /^(GET|HEAD)$/.test(request.method))) return undefined;
  const url = new URL(location, request.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  // Once a token is dropped it stays dropped, also on the way back.
  const stays = request.place === 'own' && isSamePlace(url, home);
  if (stays) return { ...request, url };
  if (rules.secrecy === 'body-has-token' && request.body !== undefined) return undefined;
  // A client's address may hold a login; where it is sent on to has its own or none.
  const kept = Object.entries(request.headers).filter(([name]) => !secretHeaders.has(name.toLowerCase()));
  return { ...request, url, place: 'foreign', headers: Object.fromEntries(kept) };
}

/** The same origin, or the same host where plain http on its usual port sends on to https on its. */
function isSamePlace(url: URL, home: URL): boolean {
  if (url.origin === home.origin) return true;
  const upgraded = home.protocol === 'http:' && url.protocol === 'https:' && home.port === '' && url.port === '';
  return upgraded && url.hostname === home.hostname;
}
