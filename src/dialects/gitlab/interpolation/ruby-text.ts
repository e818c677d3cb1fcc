import type { Node } from '../../../syntax/node.ts';

/** What a value becomes inside a longer text: Ruby's `to_s`, so a list looks like `["a", "b"]`. */
export function rubyText(node: Node): string {
  return node.kind === 'scalar' ? node.text : inspect(node);
}

function inspect(node: Node): string {
  switch (node.kind) {
    case 'scalar':
      return node.value === null ? 'nil' : typeof node.value === 'string' ? quote(node.value) : node.text;
    case 'seq':
      return `[${node.items.map(inspect).join(', ')}]`;
    case 'map':
      return `{${[...node.entries.values()].map(({ key, value }) => `${symbol(key)}=>${inspect(value)}`).join(', ')}}`;
    case 'reference':
      return `!reference [${node.path.map(quote).join(', ')}]`;
  }
}

function symbol(key: string): string {
  return /^[A-Za-z_]\w*[?!]?$/.test(key) ? `:${key}` : `:${quote(key)}`;
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\u001b': '\\e',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
};

function quote(text: string): string {
  const escaped = text.replace(
    /["\\\u0000-\u001f\u007f]/g,
    (character) => escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `"${escaped.replace(/#(?=[{$@])/g, '\\#')}"`;
}
