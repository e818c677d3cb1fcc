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
  const tokens = tokensOf(text);
  let position = 0;
  const peek = (): Token => tokens[position]!;
  const wanted = (kind: TokenKind, at: TextRange, message: string): Token => {
    if (peek().kind !== kind) throw new Stop({ message, at });
    return tokens[position++]!;
  };

  function tag(open: Token): Tag {
    const body = wanted('text', open.at, 'there is nothing between `<<` and `>>`');
    const expression = body.text.trim();
    if (body.text.length > maxExpression) {
      throw new Stop({
        message: `a tag has at most ${maxExpression} characters, this one has no end near`,
        at: open.at,
      });
    }
    const close = wanted('close', open.at, 'the tag `<<` has no `>>`');
    const at = { start: open.at.start, end: close.at.end };
    if (expression === '') throw new Stop({ message: 'there is nothing between `<<` and `>>`', at });
    return { kind: 'tag', body: expression, at };
  }

  function nameOf(open: Token): string {
    const name = wanted('text', open.at, 'a section wants a name').text.trim();
    if (!sectionName.test(name)) throw new Stop({ message: `\`${name}\` is no name for a section`, at: open.at });
    wanted('close', open.at, 'the tag `<<` has no `>>`');
    return name;
  }

  function section(open: Token, depth: number): Section {
    if (depth === maxDepth)
      throw new Stop({ message: `sections are nested deeper than ${maxDepth} levels`, at: open.at });
    const name = nameOf(open);
    const at = { start: open.at.start, end: tokens[position - 1]!.at.end };
    const parts = partsUntil('end-section', [], depth + 1);
    const end = wanted('end-section', at, `the section \`${name}\` has no \`<</ ${name} >>\``);
    if (nameOf(end) !== name) throw new Stop({ message: `here the section \`${name}\` has to end`, at: end.at });
    return { kind: 'section', isInverted: open.kind === 'inverted', name, at, parts };
  }

  function partsUntil(last: TokenKind, parts: Part[], depth: number): readonly Part[] {
    while (peek().kind !== last && peek().kind !== 'end') {
      const token = tokens[position++]!;
      if (token.kind === 'open') parts.push(tag(token));
      else if (token.kind === 'section' || token.kind === 'inverted') parts.push(section(token, depth));
      else if (token.kind === 'end-section')
        throw new Stop({ message: 'no section begins before this end', at: token.at });
      else parts.push({ kind: 'text', text: token.text });
    }
    return parts;
  }

  const parts: Part[] = [];
  try {
    partsUntil('end', parts, 0);
    return { parts };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { parts, problem: error.problem };
  }
}
