import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A number that finds a request again in the logs of both sides: 32 hexadecimal digits. */
export function newCorrelationId(): string {
  return randomUUID().replaceAll('-', '');
}

/** The headers of a request with such a number. */
export function correlated(headers: Readonly<Record<string, string>> | undefined): {
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: string;
} {
  const sent = newCorrelationId();
  return { headers: { ...headers, 'X-Request-Id': sent }, sent };
}

/** What to log: the server's own number if it told one. */
export function correlationIdOf(headers: IncomingHttpHeaders | undefined, sent: string): string {
  const told = headers?.['x-request-id'];
  return (Array.isArray(told) ? told[0] : told)?.replace(/[^\x21-\x7e]/g, '').slice(0, 255) || sent;
}
