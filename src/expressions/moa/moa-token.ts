/** A piece of an expression. `parts` of a string in double quotes: texts and expressions by turns. */
export type MoaToken =
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'string'; readonly at: number; readonly parts: readonly TemplatePart[] }
  | { readonly kind: 'name'; readonly at: number; readonly text: string }
  | { readonly kind: 'symbol'; readonly at: number; readonly text: string }
  | { readonly kind: 'end'; readonly at: number };

/** A piece of a text with `${{ … }}` in it. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly tokens: readonly MoaToken[] };

/** What is wrong with an expression, or with what comes of it; for the author of the text. */
export class MoaError extends Error {}

const opening = '$' + '{{';
const symbols = ['||', '&&', '==', '!=', '<=', '>=', ...'+-*/%!<>()[]{}.,:'];

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  '"': '"',
  '/': '/',
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/**
 * Takes a text with `${{ … }}` apart. A backslash before it leaves it as it is.
 * Source: https://docs.gitlab.com/ci/functions/moa/
 * @throws MoaError
 */
export function readTemplate(text: string): readonly TemplatePart[] {
  return new Reader(text).template(undefined);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param quote what ends the text; undefined: its end. */
  template(quote: '"' | undefined): readonly TemplatePart[] {
    const parts: TemplatePart[] = [];
    const began = this.#at;
    let plain = '';
    const keep = (): void => {
      if (plain !== '') parts.push({ kind: 'text', text: plain });
      plain = '';
    };
    while (this.#at < this.#text.length) {
      if (this.#take(`\\${opening}`)) plain += opening;
      else if (this.#take(opening)) {
        keep();
        parts.push({ kind: 'expression', tokens: this.#expression() });
      } else if (quote !== undefined && this.#take(quote)) {
        keep();
        return parts;
      } else if (quote !== undefined && this.#take('\\')) plain += this.#escape();
      else plain += this.#text[this.#at++];
    }
    if (quote !== undefined) throw this.#wrong('the string does not end', began);
    keep();
    return parts;
  }

  /** Up to the `}}` that closes it: braces of objects come in pairs. */
  #expression(): readonly MoaToken[] {
    const began = this.#at;
    const tokens: MoaToken[] = [];
    let depth = 0;
    for (;;) {
      this.#at += /^\s*/.exec(this.#text.slice(this.#at))![0].length;
      if (this.#at >= this.#text.length) throw this.#wrong(`\`${opening}\` is not closed by \`}}\``, began);
      if (depth === 0 && this.#take('}}')) return [...tokens, { kind: 'end', at: this.#at - 2 }];
      const token = this.#token();
      if (token.kind === 'symbol' && token.text === '{') depth += 1;
      if (token.kind === 'symbol' && token.text === '}') depth -= 1;
      tokens.push(token);
    }
  }

  #token(): MoaToken {
    const at = this.#at;
    const rest = this.#text.slice(at);
    if (this.#take('"')) return { kind: 'string', at, parts: this.template('"') };
    if (this.#take("'")) return { kind: 'string', at, parts: [{ kind: 'text', text: this.#raw(at) }] };
    const number = /^\d+(\.\d+)?([eE][+-]?\d+)?/.exec(rest)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      return { kind: 'number', at, value: Number(number) };
    }
    const name = /^[\p{L}_][\p{L}\p{Nd}_]*/u.exec(rest)?.[0];
    if (name !== undefined) {
      this.#at += name.length;
      return { kind: 'name', at, text: name };
    }
    const symbol = symbols.find((one) => this.#take(one));
    if (symbol === undefined) throw this.#wrong(`\`${[...rest][0]}\` means nothing here`, at);
    return { kind: 'symbol', at, text: symbol };
  }

  /** After a backslash in double quotes. */
  #escape(): string {
    const at = this.#at - 1;
    const code = /^u([0-9a-fA-F]{4})/.exec(this.#text.slice(this.#at, this.#at + 5))?.[1];
    if (code !== undefined) {
      this.#at += 5;
      return String.fromCharCode(Number.parseInt(code, 16));
    }
    const letter = this.#text[this.#at++] ?? '';
    const meant = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (meant === undefined) throw this.#wrong(`\`\\${letter}\` is no escape`, at);
    return meant;
  }

  /** In single quotes. */
  #raw(began: number): string {
    let text = '';
    while (this.#at < this.#text.length) {
      if (this.#take("'")) return text;
      if (this.#take('\\\\')) text += '\\';
      else if (this.#take("\\'")) text += "'";
      else text += this.#text[this.#at++];
    }
    throw this.#wrong('the string does not end', began);
  }

  #take(what: string): boolean {
    if (!this.#text.startsWith(what, this.#at)) return false;
    this.#at += what.length;
    return true;
  }

  #wrong(what: string, at: number): MoaError {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    return new MoaError(`${what} (line ${line}, column ${at - before.lastIndexOf('\n')})`);
  }
}
