import { readXml } from '../../util/read-xml.ts';
import { discard, type Reply, readAll } from './exchange.ts';

/** More of a server's words is of no use. */
const longestMessage = 2000;
const longestBody = 256 * 1024;

/** What kinds of body tell more than the status does. */
export type ErrorBodies = 'json' | 'json-or-xml';

/**
 * The text of an answer that is no success: `POST https://…: 400 Bad Request (description: is too long)`. Reads and closes
 * the body.
 */
export async function errorText(method: string, reply: Reply, bodies: ErrorBodies = 'json'): Promise<string> {
  const message = await messageOf(reply, bodies);
  const shown = message === '' || message === reply.statusText ? '' : ` (${message})`;
  return `${method} ${shownUrl(reply.url)}: ${reply.statusText}${shown}`;
}

/** For logs: without a login, and without the query of a store's address, which is signed there. */
export function shownUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  const isSigned = /signature|token|credential|[?&]sig=/i.test(shown.search);
  return isSigned ? `${shown.origin}${shown.pathname}?…` : shown.href;
}

async function messageOf(reply: Reply, bodies: ErrorBodies): Promise<string> {
  const { location } = reply.headers;
  if (reply.status >= 300 && reply.status < 400 && location !== undefined && URL.canParse(location, reply.url.href)) {
    await discard(reply);
    return `the server moved to ${shownUrl(new URL(location, reply.url))}: is the runner's url right?`;
  }
  const type = mediaType(reply.headers['content-type']);
  const isXml = bodies === 'json-or-xml' && (type === 'application/xml' || type === 'text/xml');
  if (type !== 'application/json' && !isXml) {
    await discard(reply);
    return '';
  }
  try {
    const text = (await readAll(reply, longestBody)).toString('utf8');
    return clean(isXml ? xmlMessage(text) : jsonMessage(JSON.parse(text)));
  } catch {
    return '';
  }
}

function clean(message: string): string {
  return message
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .slice(0, longestMessage)
    .trim();
}

/** `message` is a text, or for each field a list of texts. */
function jsonMessage(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('message' in body)) return '';
  const { message } = body;
  if (typeof message === 'string') return message;
  if (typeof message !== 'object' || message === null) return '';
  return Object.entries(message)
    .map(([field, texts]) => `${field}: ${(Array.isArray(texts) ? texts : [texts]).map(String).join('; ')}`)
    .join(', ');
}

/** `<Error><Code/><Message/></Error>`, as stores answer. */
function xmlMessage(text: string): string {
  const open: string[] = [];
  const found = { Code: '', Message: '' };
  const problem = readXml(text, {
    open: (name) => void open.push(name),
    text(piece) {
      const name = open.at(-1);
      if (open.length === 2 && open[0] === 'Error' && (name === 'Code' || name === 'Message')) found[name] += piece;
    },
    close: () => void open.pop(),
  });
  if (problem !== undefined || (found.Code === '' && found.Message === '')) return '';
  return `${found.Code}: ${found.Message}`;
}

/** `application/json; charset=utf-8` → `application/json`; '' : the header is malformed, or there is none. */
export function mediaType(header: string | undefined): string {
  const parsed =
    /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)\s*(;\s*[\w!#$&^.+-]+\s*=\s*("[^"]*"|[\w!#$&^.+-]+)\s*)*;?\s*$/.exec(
      header ?? '',
    );
  return (parsed?.[1] ?? '').toLowerCase();
}
