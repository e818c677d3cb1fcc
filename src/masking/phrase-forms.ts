/** Shorter values are refused unless somebody wants them hidden: masking them would black out half the log. */
const minPhraseLength = 4;

/** From this length on, the lines of a multi-line value and its encoded forms are masked too. */
const minDerivedLength = 8;

/** Longer values (in bytes) are looked for in base64 and JSON only: every form costs memory for each of its bytes. */
const maxAllFormsBytes = 512;

/** Longer values are looked for as they are and line by line only. */
const maxEncodedBytes = 8 * 1024;

/**
 * Everything that gives a secret away: the value itself (trimmed), the lines of a multi-line one and, as a best
 * effort, the usual encodings of it.
 * @param shortest characters of a value that is masked. @returns distinct byte sequences; empty when the value is too short to be masked.
 */
export function phraseForms(value: string, shortest = minPhraseLength): readonly Uint8Array[] {
  const phrase = value.trim();
  if (phrase.length < Math.max(1, shortest)) return [];
  const texts = new Set<string>([phrase]);
  if (phrase.length >= minDerivedLength) {
    if (/[\r\n]/.test(phrase)) {
      texts.add(phrase.replace(/\r?\n/g, '\r\n')).add(phrase.replace(/\r?\n/g, '\n'));
      for (const line of phrase.split(/[\r\n]+/)) if (line.trim().length >= minDerivedLength) texts.add(line.trim());
    }
    const size = Buffer.byteLength(phrase);
    if (size <= maxEncodedBytes) for (const text of commonForms(phrase, value)) texts.add(text);
    if (size <= maxAllFormsBytes) for (const text of rareForms(phrase)) texts.add(text);
  }
  return [...texts].map((text) => Buffer.from(text, 'utf8'));
}

/** @param value also as it was given: the blanks around it change its base64. */
function commonForms(phrase: string, value: string): readonly string[] {
  const whole = new Set([phrase, value]);
  return [...[...whole].flatMap((text) => base64Forms(Buffer.from(text, 'utf8'))), jsonForm(phrase)];
}

function jsonForm(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function rareForms(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const hex = bytes.toString('hex');
  const percent = percentEncode(bytes);
  const json = jsonForm(value);
  return [
    ...base64Forms(bytes).map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
    hex,
    hex.toUpperCase(),
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll('%20', '+'),
    percent.replace(/%(2[178A9])/g, (code) => decodeURIComponent(code)),
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
    forms.push(bare.slice(from, to), bare.slice(from), padded.slice(from));
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
