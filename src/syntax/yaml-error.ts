import type { YAMLError } from 'yaml';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { findUnclosed } from './nesting.ts';

interface Explained {
  readonly message: string;
  readonly hint?: string;
  /** Where to point, if not where the library stumbled. */
  readonly at?: number;
}

const quoteHint = 'put the value in quotes';
const tabs: Explained = { message: 'a tab cannot indent YAML', hint: 'indent with spaces' };
const badIndent: Explained = { message: 'wrong indentation: what belongs together starts in the same column' };

/** The line that holds `offset`, up to its break. */
function lineAround(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  return text.slice(start, end === -1 ? text.length : end);
}

/** The library's own words as half a sentence, without the place that it appends. */
function plainWords(message: string): string {
  const firstLine = message.split('\n', 1)[0] ?? message;
  const words = firstLine.replace(/[.:]$/, '');
  return /^[A-Z][a-z]/.test(words) ? words.charAt(0).toLowerCase() + words.slice(1) : words;
}

function closesNothing(sign: string): Explained {
  return { message: `nothing is open that this \`${sign}\` would close`, hint: 'take it away, or open it before' };
}

/** The library tells what is never closed at the end of the text: the reader wants its beginning. */
function unclosed(text: string, what: string, offset: number): Explained {
  const at = findUnclosed(text);
  if (at === undefined) return /[\]}]/.test(text.charAt(offset)) ? closesNothing(text.charAt(offset)) : badIndent;
  const sign = text.charAt(at);
  const pairs: Readonly<Record<string, string>> = { '[': ']', '{': '}' };
  return { message: `the ${what} that opens here is never closed`, hint: `close it with ${pairs[sign] ?? sign}`, at };
}

function explainMissing(message: string, text: string, offset: number): Explained {
  if (message.startsWith('Implicit map keys')) {
    return {
      message: 'this line has no `:` and so is no key of the map',
      hint: 'write `key: value`, or indent it if it belongs to the value above',
    };
  }
  if (message.includes('closing')) return unclosed(text, 'quote', offset);
  if (message.includes('must end with')) return unclosed(text, 'bracket', offset);
  return { message: plainWords(message) };
}

function explainUnexpected(message: string, line: string, sign: string): Explained {
  if (/^\s*\t/.test(line)) return tabs;
  if (message.includes('block-seq-ind on same line')) {
    return { message: 'a list cannot start on the line of its key', hint: 'start it on the next line' };
  }
  if (message.startsWith('Unexpected scalar at node end')) {
    return {
      message: 'unexpected text after the value',
      hint: 'put the whole value in quotes, or check the indentation',
    };
  }
  if (/^Unexpected flow-(?:seq|map)-(?:start|end) at node end/.test(message)) {
    return { message: `the value ends before this \`${sign}\``, hint: 'put the whole value in quotes' };
  }
  if (/^Unexpected flow-(?:seq|map)-end token/.test(message)) {
    return closesNothing(sign);
  }
  return { message: plainWords(message) };
}

/** Is it said of what follows a place where the library lost its way, so that it is only an echo of the error there? */
export function isEcho({ code, message }: YAMLError): boolean {
  return code === 'UNEXPECTED_TOKEN' && message.includes('token in YAML stream');
}

function explain(error: YAMLError, text: string): Explained {
  const { code, message } = error;
  const line = lineAround(text, error.pos[0]);
  switch (code) {
    case 'TAB_AS_INDENT':
      return tabs;
    case 'MISSING_CHAR':
      return explainMissing(message, text, error.pos[0]);
    case 'BLOCK_AS_IMPLICIT_KEY':
      // The library says the same of a line that is indented too little below a list.
      return line.includes(': ') || line.trimEnd().endsWith(':')
        ? { message: 'a plain value cannot hold `: `', hint: quoteHint }
        : badIndent;
    case 'MULTILINE_IMPLICIT_KEY':
      return { message: 'a key has to stand on one line', hint: 'is a `:` missing in the line above?' };
    case 'BAD_SCALAR_START':
      return { message: `a plain value cannot start with ${text.charAt(error.pos[0])}`, hint: quoteHint };
    case 'BAD_ALIAS':
      return { message: plainWords(message), hint: quoteHint };
    case 'BAD_DQ_ESCAPE':
      return {
        message: 'unknown escape in a double-quoted value',
        hint: 'write `\\\\` for a backslash, or use single quotes',
      };
    case 'BAD_INDENT':
      if (message.includes('must be sufficiently indented')) return unclosed(text, 'bracket', error.pos[0]);
      return /^\s*\t/.test(line) ? tabs : badIndent;
    case 'UNEXPECTED_TOKEN':
      return explainUnexpected(message, line, text.charAt(error.pos[0]));
    default:
      return { message: plainWords(message) };
  }
}

/** An error of the YAML library as a diagnostic in the user's words. */
export function describeYamlError(error: YAMLError, file: string, text: string): Diagnostic {
  const { message, hint, at } = explain(error, text);
  const start = Math.min(at ?? error.pos[0], text.length);
  const lineEnd = text.indexOf('\n', start);
  // A span that runs over many lines would underline half the file: it ends with its first line.
  const limit = lineEnd === -1 ? text.length : Math.max(lineEnd, start + 1);
  const end = Math.max(Math.min(at === undefined ? error.pos[1] : at + 1, limit), start);
  const span = { file, start, end };
  return { code: 'syntax/yaml', severity: 'error', message, span, ...(hint === undefined ? {} : { hint }) };
}
