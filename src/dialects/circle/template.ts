/** A stretch of a text, in UTF-16 units, `end` exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** `<< … >>`: what stands in it, without the blanks around. */
export interface Tag {
  readonly kind: 'tag';
  readonly body: string;
  readonly at: TextRange;
}

/** `<<# name >>…<</ name >>` is there where the name is true, `<<^ name >>…` where it is not. */
export interface Section {
  readonly kind: 'section';
  readonly isInverted: boolean;
  readonly name: string;
  readonly at: TextRange;
  readonly parts: readonly Part[];
}

/** A piece of a text, in the order in which they stand: plain text, a value to fill in, or a stretch that may drop out. */
export type Part = { readonly kind: 'text'; readonly text: string } | Tag | Section;

/** What is wrong with a text that has tags: everything from there on stays as it is. */
export interface TemplateProblem {
  readonly message: string;
  readonly at: TextRange;
}

/** A text taken apart; with a problem these are only the whole parts before it. */
export interface Template {
  readonly parts: readonly Part[];
  readonly problem?: TemplateProblem;
}

type TokenKind = 'text' | 'open' | 'section' | 'inverted' | 'end-section' | 'close' | 'end';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: TextRange;
}

const marks = /\\\\<<|\\<<|<<|>>/g;

const sectionKinds: Readonly<Record<string, TokenKind>> = { '#': 'section', '^': 'inverted', '/': 'end-section' };

/** `\<<` is a literal `<<`; `\\<<` is a backslash and a tag. */
function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let done = 0;
  const add = (kind: TokenKind, end: number, shown = text.slice(done, end)): void => {
    if (end > done) tokens.push({ kind, text: shown, at: { start: done, end } });
    done = end;
  };
  for (const { index, 0: mark } of text.matchAll(marks)) {
    add('text', index);
    if (mark === '\\<<') {
      add('text', index + 3, '<<');
    } else if (mark === '>>') {
      add('close', index + 2);
    } else {
      if (mark !== '<<') add('text', index + 1);
      done = index + mark.length - 2;
      const kind = sectionKinds[text[done + 2] ?? ''];
      add(kind ?? 'open', done + (kind === undefined ? 2 : 3));
    }
  }
  add('text', text.length);
  tokens.push({ kind: 'end', text: '', at: { start: text.length, end: text.length } });
  return tokens;
}

class Stop extends Error {
  readonly problem: TemplateProblem;

  constructor(problem: TemplateProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

const maxDepth = 100;
const maxExpression = 2048;
const sectionName = /^[\w-]+(?:\.\S+)*$/;

/**
 * Takes a text with tags apart, as the service does: it stops at the first thing that is wrong. Linear in the text.
 * Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#using-parameters
 */
export function readTemplate(text: string): Template {
  const reader: Reader = { tokens: tokensOf(text), position: 0 };
  const parts: Part[] = [];
  try {
    readParts(reader, 'end', parts, 0);
    return { parts };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { parts, problem: error.problem };
  }
}

interface Reader {
  readonly tokens: readonly Token[];
  /** Of the next token. */
  position: number;
}

function take(reader: Reader): Token {
  return reader.tokens[reader.position++]!;
}

/** The next token if it is of this kind. */
function takeOf(reader: Reader, kind: TokenKind, at: TextRange, otherwise: string): Token {
  if (reader.tokens[reader.position]!.kind !== kind) throw new Stop({ message: otherwise, at });
  return take(reader);
}

/** @param parts where to put them: those before a problem stay. */
function readParts(reader: Reader, last: TokenKind, parts: Part[], depth: number): readonly Part[] {
  for (;;) {
    const { kind } = reader.tokens[reader.position]!;
    if (kind === last || kind === 'end') return parts;
    const token = take(reader);
    if (kind === 'open') parts.push(readTag(reader, token));
    else if (kind === 'section' || kind === 'inverted') parts.push(readSection(reader, token, depth));
    else if (kind === 'end-section') throw new Stop({ message: 'no section begins before this end', at: token.at });
    else parts.push({ kind: 'text', text: token.text });
  }
}

function readTag(reader: Reader, open: Token): Tag {
  const body = takeOf(reader, 'text', open.at, 'there is nothing between `<<` and `>>`');
  const expression = body.text.trim();
  if (body.text.length > maxExpression) {
    throw new Stop({
      message: `a tag has at most ${maxExpression} characters, this one has no end near`,
      at: open.at,
    });
  }
  const close = takeOf(reader, 'close', open.at, 'the tag `<<` has no `>>`');
  const at = { start: open.at.start, end: close.at.end };
  if (expression === '') throw new Stop({ message: 'there is nothing between `<<` and `>>`', at });
  return { kind: 'tag', body: expression, at };
}

function readSection(reader: Reader, open: Token, depth: number): Section {
  if (depth === maxDepth)
    throw new Stop({ message: `sections are nested deeper than ${maxDepth} levels`, at: open.at });
  const name = readName(reader, open);
  const at = { start: open.at.start, end: reader.tokens[reader.position - 1]!.at.end };
  const parts = readParts(reader, 'end-section', [], depth + 1);
  const end = takeOf(reader, 'end-section', at, `the section \`${name}\` has no \`<</ ${name} >>\``);
  if (readName(reader, end) !== name)
    throw new Stop({ message: `here the section \`${name}\` has to end`, at: end.at });
  return { kind: 'section', isInverted: open.kind === 'inverted', name, at, parts };
}

function readName(reader: Reader, open: Token): string {
  const name = takeOf(reader, 'text', open.at, 'a section wants a name').text.trim();
  if (!sectionName.test(name)) throw new Stop({ message: `\`${name}\` is no name for a section`, at: open.at });
  takeOf(reader, 'close', open.at, 'the tag `<<` has no `>>`');
  return name;
}
