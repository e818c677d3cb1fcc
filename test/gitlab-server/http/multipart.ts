/** One part of a `multipart/form-data` body. */
export interface FormPart {
  readonly name: string;
  /** Absent: a plain field. */
  readonly fileName: string | undefined;
  readonly content: Buffer;
}

/**
 * Takes a whole multipart body apart. `undefined`: it is none, or it ends before its closing boundary, which is what a
 * broken upload looks like.
 */
export function readMultipart(contentType: string, body: Buffer): readonly FormPart[] | undefined {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined) return undefined;
  const first = `--${name}`;
  if (body.toString('latin1', 0, first.length) !== first) return undefined;
  const separator = Buffer.from(`\r\n--${name}`, 'latin1');
  const parts: FormPart[] = [];
  let at = first.length;
  for (;;) {
    const next = body.toString('latin1', at, at + 2);
    if (next === '--') return parts;
    if (next !== '\r\n') return undefined;
    const end = body.indexOf(separator, at);
    if (end === -1) return undefined;
    const part = readPart(body.subarray(at + 2, end));
    if (part === undefined) return undefined;
    parts.push(part);
    at = end + separator.length;
  }
}

function readPart(part: Buffer): FormPart | undefined {
  const end = part.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const headers = part.toString('utf8', 0, end);
  const disposition = /^content-disposition:\s*form-data(.*)$/im.exec(headers)?.[1];
  const name = disposition === undefined ? undefined : /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
  if (disposition === undefined || name === undefined) return undefined;
  return { name, fileName: /;\s*filename="([^"]*)"/i.exec(disposition)?.[1], content: part.subarray(end + 4) };
}
