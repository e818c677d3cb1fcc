/**
 * Writes the pieces of DER that a certificate is made of. Each function gives a complete element.
 * Source: ITU-T X.690, sections 8 and 10
 */
function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return [0x80 | digits.length, ...digits];
}

/** Things in their order. */
export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, ...parts);

/** Things in no order; here it is always one. */
export const set = (...parts: readonly Uint8Array[]): Buffer => element(0x31, ...parts);

/** Bytes that are no number and no text. */
export const bytes = (value: Uint8Array): Buffer => element(0x04, value);

/** A text in UTF-8. */
export const text = (value: string): Buffer => element(0x0c, Buffer.from(value, 'utf8'));

/** TRUE; FALSE is what is left out. */
export const flag = (): Buffer => element(0x01, Buffer.from([0xff]));

/** A number from 0, written big end first. */
export function integer(value: Uint8Array): Buffer {
  let first = 0;
  while (first < value.length - 1 && value[first] === 0) first++;
  const digits = value.subarray(first);
  // A first bit that is set would make it negative.
  return element(0x02, Buffer.from((digits[0] ?? 0) >= 0x80 ? [0] : []), digits);
}

/** @param unused bits at the end that say nothing. */
export function bitString(value: Uint8Array, unused = 0): Buffer {
  return element(0x03, Buffer.from([unused]), value);
}

/** `1.2.840…` */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** Years from 2050 are written in another way than those before. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() >= 2050
    ? element(0x18, Buffer.from(digits, 'latin1'))
    : element(0x17, Buffer.from(digits.slice(2), 'latin1'));
}

/** `[number] EXPLICIT` */
export const explicit = (number: number, inner: Uint8Array): Buffer => element(0xa0 | number, inner);

/** `[number] IMPLICIT` of a plain value. */
export const implicit = (number: number, value: Uint8Array): Buffer => element(0x80 | number, value);
