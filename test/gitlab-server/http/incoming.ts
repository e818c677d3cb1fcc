import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ApiError, badParameter } from '../api/api-error.ts';
import { type FormPart, readMultipart } from './multipart.ts';

/** A request that has been read whole. */
export interface Incoming {
  readonly method: string;
  /** Below the server's relative URL, without the query, undecoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborted when the client goes away. */
  readonly gone: AbortSignal;
}

/** Parameters from query, JSON body and form together, as Rails merges them. */
export interface Parameters {
  readonly values: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, FormPart>;
}

/** Reads the body to its end. `undefined`: the client went away before that. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(request.complete ? Buffer.concat(chunks) : undefined));
  });
}

/**
 * Reads the parameters of a request as Rails and Grape do: JSON where the content type says so or says nothing, forms,
 * plain text as a body that holds none. Other types are refused by 415, broken JSON by 400.
 */
export function readParameters(incoming: Incoming): Parameters {
  const query = Object.fromEntries(incoming.query);
  const type = incoming.headers['content-type'] ?? '';
  const media = type.split(';')[0]!.trim().toLowerCase();
  const none = new Map<string, FormPart>();
  if (incoming.body.length === 0 || media === 'text/plain') return { values: query, files: none };
  switch (media) {
    case 'multipart/form-data': {
      const parts = readMultipart(type, incoming.body);
      if (parts === undefined) throw badParameter('bad multipart body');
      const fields = parts.filter(({ fileName }) => fileName === undefined);
      return {
        values: { ...query, ...Object.fromEntries(fields.map(({ name, content }) => [name, content.toString()])) },
        files: new Map(parts.filter(({ fileName }) => fileName !== undefined).map((part) => [part.name, part])),
      };
    }
    case 'application/x-www-form-urlencoded':
      return {
        values: { ...query, ...Object.fromEntries(new URLSearchParams(incoming.body.toString())) },
        files: none,
      };
    case 'application/json':
    case '':
      return { values: { ...query, ...readJson(incoming.body) }, files: none };
    default:
      throw new ApiError(415, { error: `The provided content-type '${media}' is not supported.` });
  }
}

function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw badParameter('There was a problem in the JSON you submitted');
  }
  return isRecord(value) ? value : {};
}

/** A JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A parameter that has to be there. Numbers are taken as their text, as Grape does. */
export function requiredText({ values }: Parameters, name: string): string {
  if (!(name in values)) throw badParameter(`${name} is missing`);
  return optionalText({ values, files: new Map() }, name) ?? '';
}

/** A text, or nothing. Objects and lists are refused. */
export function optionalText({ values }: Parameters, name: string): string | undefined {
  const value = values[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') throw badParameter(`${name} is invalid`);
  return String(value);
}

/** A boolean, or nothing. */
export function optionalBoolean({ values }: Parameters, name: string): boolean | undefined {
  const value = values[name];
  if (value === undefined || value === null) return undefined;
  if ([true, 'true', 1, '1', 't', 'yes', 'on'].includes(value as never)) return true;
  if ([false, 'false', 0, '0', 'f', 'no', 'off'].includes(value as never)) return false;
  throw badParameter(`${name} is invalid`);
}

/** A whole number, or nothing. */
export function optionalInteger({ values }: Parameters, name: string): number | undefined {
  const value = values[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'object' && /^-?\d+$/.test(String(value))) return Number(value);
  throw badParameter(`${name} is invalid`);
}

/** An object; nothing is an empty one. */
export function optionalRecord({ values }: Parameters, name: string): Readonly<Record<string, unknown>> {
  const value = values[name];
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw badParameter(`${name} is invalid`);
  return value;
}

/** Checks the fields of a record: `texts` may be texts or absent, `records` objects. Named as the reader of parameters does. */
export function checkFields(
  record: Readonly<Record<string, unknown>>,
  name: string,
  kinds: { readonly texts: readonly string[]; readonly records?: readonly string[] },
): void {
  const isThere = (field: string): boolean => record[field] !== undefined && record[field] !== null;
  const wrong = [
    ...kinds.texts.filter((field) => isThere(field) && typeof record[field] === 'object'),
    ...(kinds.records ?? []).filter((field) => isThere(field) && !isRecord(record[field])),
  ];
  if (wrong.length > 0) throw badParameter(wrong.map((field) => `${name}[${field}] is invalid`).join(', '));
}

/** One of some words, or nothing. */
export function optionalWord(parameters: Parameters, name: string, words: readonly string[]): string | undefined {
  const value = optionalText(parameters, name);
  if (value !== undefined && !words.includes(value)) throw badParameter(`${name} does not have a valid value`);
  return value;
}
