/*
 * How deep a YAML text nests, told from its characters alone. It runs before the YAML library, which recurses: text
 * nested some thousand levels deep ends the whole process there, and nothing can catch that.
 * It may count one level too many (a scalar behind a dash) or some too few (a list at its key's own indentation takes
 * no column of its own): the exact check is made on the parsed nodes.
 */

const Newline = 0x0a;
const Space = 0x20;
const Tab = 0x09;
const DoubleQuote = 0x22;
const Hash = 0x23;
const Ampersand = 0x26;
const SingleQuote = 0x27;
const Asterisk = 0x2a;
const Comma = 0x2c;
const Dash = 0x2d;
const Dot = 0x2e;
const Colon = 0x3a;
const Greater = 0x3e;
const Question = 0x3f;
const Backslash = 0x5c;
const OpenBracket = 0x5b;
const CloseBracket = 0x5d;
const Bang = 0x21;
const OpenBrace = 0x7b;
const Pipe = 0x7c;
const CloseBrace = 0x7d;
const CarriageReturn = 0x0d;

function isBlank(code: number): boolean {
  return code === Space || code === Tab;
}

/** True at the end of the text too (charCodeAt gives NaN there). */
function isBreakOrBlank(code: number): boolean {
  return code === Space || code === Newline || code === Tab || code === CarriageReturn || Number.isNaN(code);
}

/** Offset just behind the quoted scalar that starts at `at`, or the end of the text. */
function skipQuoted(text: string, at: number): number {
  const quote = text.charCodeAt(at);
  if (quote === SingleQuote) {
    for (let end = text.indexOf("'", at + 1); end !== -1; end = text.indexOf("'", end + 2)) {
      if (text.charCodeAt(end + 1) !== SingleQuote) return end + 1;
    }
    return text.length;
  }
  let index = at + 1;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === Backslash) index++;
    else if (code === DoubleQuote) return index + 1;
  }
  return text.length;
}

function skipLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

function skipBlanks(text: string, at: number): number {
  let index = at;
  while (isBlank(text.charCodeAt(index))) index++;
  return index;
}

/** Offset of the first line that is indented by no more than `parentColumn` (blank lines do not count). */
function skipBlockScalar(text: string, at: number, parentColumn: number): number {
  let lineStart = skipLine(text, at) + 1;
  while (lineStart < text.length) {
    let index = lineStart;
    while (text.charCodeAt(index) === Space) index++;
    const code = text.charCodeAt(index);
    const blank = code === Newline || code === CarriageReturn || Number.isNaN(code);
    if (!blank && index - lineStart <= parentColumn) return lineStart;
    if (!blank && parentColumn < 0 && isDocumentMarker(text, lineStart)) return lineStart;
    lineStart = skipLine(text, index) + 1;
  }
  return text.length;
}

function isDocumentMarker(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code !== Dash && code !== Dot) return false;
  return (
    text.charCodeAt(at + 1) === code && text.charCodeAt(at + 2) === code && isBreakOrBlank(text.charCodeAt(at + 3))
  );
}

/** A walk over the text: where it is and the columns of the block collections that are open there. */
interface Walk {
  readonly text: string;
  readonly limit: number;
  at: number;
  lineStart: number;
  readonly columns: number[];
  /** Offset of the first thing too deep, or -1. */
  tooDeepAt: number;
  /** Offset of the quote or bracket that is open up to the end of the text, or -1. */
  openAt: number;
}

/** Skips a quoted scalar and keeps in mind if it never ends. */
function walkQuoted(walk: Walk): void {
  const start = walk.at;
  walk.at = skipQuoted(walk.text, start);
  const closed = walk.at - start > 1 && walk.text.charCodeAt(walk.at - 1) === walk.text.charCodeAt(start);
  if (walk.at === walk.text.length && !closed) walk.openAt = start;
}

function enterColumn(walk: Walk, column: number): void {
  const { columns } = walk;
  while (columns.length > 0 && columns[columns.length - 1]! > column) columns.pop();
  if (columns.length === 0 || columns[columns.length - 1]! < column) columns.push(column);
  if (columns.length > walk.limit) walk.tooDeepAt = walk.at;
}

/** From an opening bracket to behind its closing one. */
function walkFlow(walk: Walk): void {
  const { text } = walk;
  const start = walk.at;
  let depth = 0;
  let inPlain = false;
  for (; walk.at < text.length; walk.at++) {
    const code = text.charCodeAt(walk.at);
    if (code === OpenBracket || code === OpenBrace) {
      depth++;
      inPlain = false;
      if (walk.columns.length + depth > walk.limit) {
        walk.tooDeepAt = walk.at;
        return;
      }
    } else if (code === CloseBracket || code === CloseBrace) {
      depth--;
      inPlain = false;
      if (depth === 0) {
        walk.at++;
        return;
      }
    } else if (code === Comma) inPlain = false;
    else if (code === Newline) walk.lineStart = walk.at + 1;
    else if (code === Colon) inPlain = inPlain && !isBreakOrBlank(text.charCodeAt(walk.at + 1));
    else if (!inPlain && (code === SingleQuote || code === DoubleQuote)) {
      walkQuoted(walk);
      walk.at--;
    } else if (code === Hash && isBreakOrBlank(text.charCodeAt(walk.at - 1))) walk.at = skipLine(text, walk.at) - 1;
    else if (!isBreakOrBlank(code)) inPlain = true;
  }
  if (walk.openAt < 0) walk.openAt = start;
}

/** What follows a key or a dash on its line, up to the line's end. */
function walkValue(walk: Walk): void {
  const { text } = walk;
  while (walk.at < text.length && walk.tooDeepAt < 0) {
    walk.at = skipBlanks(text, walk.at);
    const code = text.charCodeAt(walk.at);
    if (code === Newline || Number.isNaN(code)) return;
    if (code === Hash) walk.at = skipLine(text, walk.at);
    else if (code === OpenBracket || code === OpenBrace) walkFlow(walk);
    else if (code === SingleQuote || code === DoubleQuote) walkQuoted(walk);
    else if (code === Pipe || code === Greater) {
      walk.at = skipBlockScalar(text, walk.at, walk.columns[walk.columns.length - 1] ?? -1) - 1;
      return;
    } else if (code === Ampersand || code === Bang || code === Asterisk || code === Colon) {
      while (!isBreakOrBlank(text.charCodeAt(walk.at))) walk.at++;
    } else walkPlain(walk);
  }
}

/** A plain scalar up to `: `, ` #` or the line's end. */
function walkPlain(walk: Walk): void {
  const { text } = walk;
  for (; walk.at < text.length; walk.at++) {
    const code = text.charCodeAt(walk.at);
    if (code === Newline) return;
    if (code === Colon && isBreakOrBlank(text.charCodeAt(walk.at + 1))) {
      walk.at++;
      return;
    }
    if (code === Hash && isBlank(text.charCodeAt(walk.at - 1))) return;
  }
}

/** One line of block context: its dashes, then what it holds. */
function walkLine(walk: Walk): void {
  const { text } = walk;
  while (walk.tooDeepAt < 0) {
    walk.at = skipBlanks(text, walk.at);
    const code = text.charCodeAt(walk.at);
    if (code === Newline || code === CarriageReturn || code === Hash || Number.isNaN(code)) return;
    enterColumn(walk, walk.at - walk.lineStart);
    const isIndicator = (code === Dash || code === Question) && isBreakOrBlank(text.charCodeAt(walk.at + 1));
    if (!isIndicator) break;
    walk.at++;
    const next = text.charCodeAt(skipBlanks(text, walk.at));
    if (next === Pipe || next === Greater) break;
  }
  if (walk.tooDeepAt < 0) walkValue(walk);
}

function walkText(text: string, limit: number): Walk {
  const walk: Walk = { text, limit, at: 0, lineStart: 0, columns: [], tooDeepAt: -1, openAt: -1 };
  while (walk.at < text.length && walk.tooDeepAt < 0) {
    walk.lineStart = walk.at;
    if (isDocumentMarker(text, walk.at)) {
      walk.columns.length = 0;
      walk.at += 3;
      walkValue(walk);
    } else walkLine(walk);
    if (walk.tooDeepAt < 0) walk.at = skipLine(text, walk.at) + 1;
  }
  return walk;
}

/** Offset of the first place in `text` where more than `limit` collections are open, or undefined. Linear. */
export function findTooDeep(text: string, limit: number): number | undefined {
  const { tooDeepAt } = walkText(text, limit);
  return tooDeepAt < 0 ? undefined : tooDeepAt;
}

/** Offset of the quote or bracket that is never closed, or undefined. For texts that passed `findTooDeep`. */
export function findUnclosed(text: string): number | undefined {
  const { openAt } = walkText(text, Number.POSITIVE_INFINITY);
  return openAt < 0 ? undefined : openAt;
}
