/** What stands in a text: `$$`, `$NAME` or `${NAME}`. Source: lib/gitlab/ci/variables/collection/item.rb */
const reference = /\$\$|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * The same, and what shells know besides: `$1`, `$*`, `${1}`, `${NAME:-x}`, `${}`, `${` without an end. Source: Go, os.Expand, which GitLab
 * Runner expands with
 */
const shellReference = /\$\$|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$[*#@!?0-9-]|\$\{[^}]*\}|\$\{/g;

/** How what is no known variable comes out of an expansion. */
export interface ExpandOptions {
  /** What becomes of a name that `lookup` does not know. Default: `empty`. */
  readonly unknown?: 'empty' | 'keep';
  /** What becomes of `$$`. Default: `unescape`, to `$`. GitLab's server keeps it and its runner unescapes. */
  readonly dollars?: 'unescape' | 'keep';
  /** What becomes of what is a variable to shells alone, such as `$1` and `${A:-b}`. Default: `keep`. GitLab Runner knows none. */
  readonly shell?: 'empty' | 'keep';
}

/**
 * Replaces `$NAME` and `${NAME}` in one pass; what comes in by a value is not expanded again.
 * @param lookup gives a variable's value; undefined: there is none. `written` is the reference as it stands in the text.
 */
export function expandVariables(
  text: string,
  lookup: (name: string, written: string) => string | undefined,
  options: ExpandOptions = {},
): string {
  if (!text.includes('$')) return text;
  const pattern = options.shell === 'empty' ? shellReference : reference;
  return text.replace(pattern, (written: string, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (written === '$$') return options.dollars === 'keep' ? written : '$';
    if (name === undefined) return written === '${$}' ? '$' : '';
    return lookup(name, written) ?? (options.unknown === 'keep' ? written : '');
  });
}

/** Names that a text refers to, each once, in order. */
export function referencedVariables(text: string): readonly string[] {
  if (!text.includes('$')) return [];
  const names = new Set<string>();
  for (const [, plain, braced] of text.matchAll(reference)) {
    const name = plain ?? braced;
    if (name !== undefined) names.add(name);
  }
  return [...names];
}
