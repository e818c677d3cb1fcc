/** Shorter values are refused: masking them would black out half the log. */
export const minPhraseLength = 4;

/** From this length on, the lines of a multi-line value and its encoded forms are masked too. */
const minDerivedLength = 8;

/** Longer values (in bytes) are masked literally and by line only; encoded forms would cost more memory than they are worth. */
const maxEncodedLength = 16 * 1024;

/**
 * Everything that gives a secret away: the value itself (trimmed), the lines of a multi-line one and, as a best
 * effort, the usual encodings of it.
 * @returns distinct byte sequences; empty when the value is too short to be masked.
 */
export function phraseForms(value: string): readonly Uint8Array[] {
  const phrase = value.trim();
  if (phrase.length < minPhraseLength) return [];
  const texts = new Set<string>([phrase]);
  if (phrase.length >= minDerivedLength) {
    if (/[\r\n]/.test(phrase)) {
      texts.add(phrase.replace(/\r?\n/g, '\r\n')).add(phrase.replace(/\r?\n/g, '\n'));
      for (const line of phrase.split(/[\r\n]+/)) if (line.trim().length >= minDerivedLength) texts.add(line.trim());
    }
    if (Buffer.byteLength(phrase) <= maxEncodedLength) {
      for (const text of [...encodedForms(phrase), ...base64Forms(Buffer.from(value, 'utf8'))]) texts.add(text);
    }
  }
  return [...texts].map((text) => Buffer.from(text, 'utf8'));
}

function encodedForms(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const hex = bytes.toString('hex');
  const percent = percentEncode(bytes);
  const json = JSON.stringify(value).slice(1, -1);
  return [
    ...base64Forms(bytes),
    hex,
    hex.toUpperCase(),
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll('%20', '+'),
    percent.replace(/%(2[178A9])/g, (code) => decodeURIComponent(code)),
    json,
    json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
    json.replaceAll('/', '\\/'),
    ...shellForms(value),
  ];
}

/** Unreserved characters of RFC 3986 stay; the rest is `%XX`. */
function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    text += /[0-9A-Za-z._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** In `base64(before + value + after)` the characters that depend on the value alone, for each of the 3 alignments. */
function base64Forms(bytes: Buffer): readonly string[] {
  const forms: string[] = [];
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const bare = padded.replace(/=+$/, '');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    for (const form of [bare.slice(from, to), bare.slice(from), padded.slice(from)]) {
      forms.push(form, form.replaceAll('+', '-').replaceAll('/', '_'));
    }
  }
  return forms;
}

/** As bash's `set -x`, `printf %q` and `${x@Q}`, and `'…'` print it; without the quotes around it. */
function shellForms(value: string): readonly string[] {
  const ansi: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', "'": "\\'" };
  return [
    value.replaceAll("'", "'\\''"),
    value.replaceAll("'", `'"'"'`),
    value.replace(/[^0-9A-Za-z_./:=@%+,-]/g, (char) => `\\${char}`),
    value.replace(/[^0-9A-Za-z_./:=@%+-]/g, (char) => `\\${char}`),
    value.replace(/[\n\r\t\\']/g, (char) => ansi[char]!),
    value.replace(/["$`\\]/g, (char) => `\\${char}`),
  ];
}
