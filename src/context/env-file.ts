import type { Variable } from '../model/variable.ts';

/** What is wrong with a line of a variables file. One clause, no full stop. */
export interface EnvFileError {
  /** 1 for the first. */
  readonly line: number;
  readonly message: string;
}

/** What a file of `NAME=VALUE` lines says; lines with an error give no variable. */
export interface EnvFile {
  /** In order; a name that occurs twice is there twice, the last one counts. All `raw`. */
  readonly variables: readonly Variable[];
  readonly errors: readonly EnvFileError[];
}

/**
 * Reads a `--var-file`. The grammar, line by line (LF, CRLF; a byte order mark is skipped):
 * - empty lines and lines that start with `#` mean nothing;
 * - `NAME=value` or `export NAME=value`; a name is `[A-Za-z_][A-Za-z0-9_]*`; blanks around name and `=` are dropped;
 * - a bare value ends at the line's end or at ` #`; blanks around it are dropped; backslashes mean themselves;
 * - `'…'` is taken as it is and may span lines;
 * - `"…"` may span lines; `\n` `\r` `\t` `\"` `\\` `\$` are escapes, any other backslash means itself;
 * - after a closing quote only blanks and a comment may follow;
 * - nothing is expanded: `$` means itself.
 */
export function parseEnvFile(text: string): EnvFile {
  const variables: Variable[] = [];
  const errors: EnvFileError[] = [];
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const end = lineEnd(source, at);
    const read = readLine(source, at, end);
    if (read.kind === 'variable') variables.push({ name: read.name, value: read.value, raw: true });
    if (read.kind === 'error') errors.push({ line, message: read.message });
    const next = read.kind === 'variable' ? lineEnd(source, read.end) : end;
    for (let i = at; i <= next && i < source.length; i++) if (source[i] === '\n') line++;
    at = next + 1;
  }
  return { variables, errors };
}

type Line =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'variable'; readonly name: string; readonly value: string; readonly end: number };

function lineEnd(source: string, at: number): number {
  const end = source.indexOf('\n', at);
  return end < 0 ? source.length : end;
}

function readLine(source: string, start: number, end: number): Line {
  const text = source.slice(start, end);
  if (/^\s*(#|$)/.test(text)) return { kind: 'nothing' };
  const head = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/.exec(text);
  if (!head) return { kind: 'error', message: 'this is not `NAME=value`' };
  const name = head[1]!;
  const at = start + head[0].length;
  const quote = source[at];
  if (quote !== '"' && quote !== "'") {
    const value = source
      .slice(at, end)
      .replace(/(^|[ \t])#.*$/, '')
      .trim();
    return { kind: 'variable', name, value, end };
  }
  const quoted = readQuoted(source, at, quote);
  if (!quoted) return { kind: 'error', message: `the ${quote} of ${name} is never closed` };
  if (!/^[ \t]*(#.*)?$/.test(source.slice(quoted.end, lineEnd(source, quoted.end)))) {
    return { kind: 'error', message: `something follows the closing ${quote} of ${name}` };
  }
  return { kind: 'variable', name, ...quoted };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

function readQuoted(source: string, open: number, quote: '"' | "'"): { value: string; end: number } | undefined {
  let value = '';
  for (let i = open + 1; i < source.length; i++) {
    const char = source[i]!;
    if (char === quote) return { value, end: i + 1 };
    const escaped = quote === '"' && char === '\\' ? escapes[source[i + 1] ?? ''] : undefined;
    if (escaped === undefined) value += char;
    else {
      value += escaped;
      i++;
    }
  }
  return undefined;
}
