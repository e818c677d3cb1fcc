import { MoaError, type MoaToken, readTemplate, type TemplatePart } from './moa-token.ts';

/** An expression of Moa. */
export type MoaExpression =
  | { readonly kind: 'value'; readonly value: null | boolean | number | string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'template'; readonly parts: readonly MoaExpression[] }
  | { readonly kind: 'array'; readonly items: readonly MoaExpression[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: MoaExpression, value: MoaExpression])[] }
  | { readonly kind: 'select'; readonly from: MoaExpression; readonly key: MoaExpression }
  | { readonly kind: 'call'; readonly name: string; readonly given: readonly MoaExpression[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: MoaExpression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: MoaExpression; readonly right: MoaExpression };

/** From those that bind least. Source: https://docs.gitlab.com/ci/functions/moa/#operator-precedence */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

const reserved = new Set(
  (
    'array as break case const continue default else fallthrough float for func function goto if import in int let ' +
    'loop map namespace number object package range return string struct switch type var void while'
  ).split(' '),
);

/** Deeper nests nobody writes by hand. */
const deepest = 200;

/**
 * Reads a text with `${{ … }}` in it. One that is nothing but an expression keeps the type of its value.
 * Source: https://docs.gitlab.com/ci/functions/moa/
 * @throws MoaError
 */
export function parseMoaTemplate(text: string): MoaExpression {
  return ofParts(readTemplate(text), 0);
}

function ofParts(parts: readonly TemplatePart[], depth: number): MoaExpression {
  const pieces = parts.map(
    (part): MoaExpression =>
      part.kind === 'text' ? { kind: 'value', value: part.text } : new Parser(part.tokens, depth).whole(),
  );
  return pieces.length === 1 ? pieces[0]! : { kind: 'template', parts: pieces };
}

class Parser {
  readonly #tokens: readonly MoaToken[];
  #next = 0;
  #depth: number;

  constructor(tokens: readonly MoaToken[], depth: number) {
    this.#tokens = tokens;
    this.#depth = depth;
  }

  whole(): MoaExpression {
    const expression = this.#nested(() => this.#level(0));
    if (this.#peek().kind !== 'end') throw this.#unexpected();
    return expression;
  }

  #level(index: number): MoaExpression {
    const operators = levels[index];
    if (operators === undefined) return this.#unary();
    let left = this.#level(index + 1);
    for (;;) {
      const operator = operators.find((one) => this.#take(one));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: this.#level(index + 1) };
    }
  }

  #unary(): MoaExpression {
    const operator = ['+', '-', '!'].find((one) => this.#take(one));
    if (operator === undefined) return this.#selected();
    return { kind: 'unary', operator, operand: this.#nested(() => this.#unary()) };
  }

  #selected(): MoaExpression {
    let from = this.#primary();
    for (;;) {
      if (this.#take('.')) {
        const token = this.#tokens[this.#next];
        if (token?.kind !== 'name') throw this.#unexpected();
        this.#next += 1;
        from = { kind: 'select', from, key: { kind: 'value', value: token.text } };
      } else if (this.#take('[')) {
        from = { kind: 'select', from, key: this.#nested(() => this.#level(0)) };
        this.#expect(']');
      } else return from;
    }
  }

  #primary(): MoaExpression {
    const token = this.#peek();
    this.#next += 1;
    switch (token.kind) {
      case 'number':
        return { kind: 'value', value: token.value };
      case 'string':
        return this.#nested(() => this.#string(token.parts));
      case 'name':
        return this.#named(token.text);
      case 'symbol':
        if (token.text === '(') {
          const inside = this.#nested(() => this.#level(0));
          this.#expect(')');
          return inside;
        }
        if (token.text === '[') return { kind: 'array', items: this.#list(']', () => this.#level(0)) };
        if (token.text === '{') return { kind: 'object', entries: this.#list('}', () => this.#entry()) };
        break;
      case 'end':
        break;
    }
    this.#next -= 1;
    throw this.#unexpected();
  }

  /** In double quotes it is text, whatever is in it. */
  #string(parts: readonly TemplatePart[]): MoaExpression {
    const whole = ofParts(parts, this.#depth);
    return whole.kind === 'template' || whole.kind === 'value' ? whole : { kind: 'template', parts: [whole] };
  }

  #named(name: string): MoaExpression {
    if (name === 'null') return { kind: 'value', value: null };
    if (name === 'true' || name === 'false') return { kind: 'value', value: name === 'true' };
    if (reserved.has(name)) throw new MoaError(`\`${name}\` is a reserved word`);
    if (!this.#take('(')) return { kind: 'name', name };
    return { kind: 'call', name, given: this.#list(')', () => this.#level(0)) };
  }

  #entry(): readonly [MoaExpression, MoaExpression] {
    const token = this.#peek();
    const follows = this.#tokens[this.#next + 1];
    const isBare = token.kind === 'name' && follows?.kind === 'symbol' && follows.text === ':';
    if (isBare) this.#next += 1;
    const key: MoaExpression = isBare ? { kind: 'value', value: token.text } : this.#level(0);
    this.#expect(':');
    return [key, this.#level(0)];
  }

  /** With commas between, and one more at the end if they like. */
  #list<T>(end: string, item: () => T): readonly T[] {
    const items: T[] = [];
    while (!this.#take(end)) {
      items.push(this.#nested(item));
      if (this.#take(',')) continue;
      this.#expect(end);
      break;
    }
    return items;
  }

  #nested<T>(read: () => T): T {
    if (this.#depth >= deepest) throw new MoaError('the expression is nested too deeply');
    this.#depth += 1;
    try {
      return read();
    } finally {
      this.#depth -= 1;
    }
  }

  #peek(): MoaToken {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]!;
  }

  #take(symbol: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.#next += 1;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) throw this.#unexpected(`\`${symbol}\``);
  }

  #unexpected(wanted = 'a value'): MoaError {
    const token = this.#peek();
    const found = token.kind === 'end' ? 'its end' : 'text' in token ? `\`${token.text}\`` : `a ${token.kind}`;
    return new MoaError(`the expression has ${found} where ${wanted} should be`);
  }
}
