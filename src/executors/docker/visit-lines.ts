import { isPlain, octal, ownVariables, quote } from '../preamble.ts';

/** What the shell of a visit is told line by line. */
export interface VisitLines {
  readonly text: string;
  /** Names of variables that no shell could export. */
  readonly skipped: readonly string[];
}

/** What an exec for a visit runs: it reads lines, as `visitLines` writes them, up to an empty one. */
export const doorway = [
  'while IFS= read -r __ci_line && [ -n "$__ci_line" ]; do eval "$__ci_line"; done',
  'if [ -n "$__ci_mark" ]; then printf \'\\001\\001\\002\'; fi',
  'cd "$__ci_directory" || exit 1',
  'if [ -n "$__ci_command" ]; then exec $__ci_shell -c "$__ci_command"; fi',
  'exec $__ci_shell $__ci_flags',
].join('\n');

/** What the doorway prints when it has read all lines. A terminal that echoes never prints these bytes. */
export const doorwayMark: Buffer = Buffer.from([1, 1, 2]);

/**
 * Writes the lines that the doorway reads. A terminal takes lines of at most 4,095 bytes and gives a meaning to control
 * characters, so long values come in pieces and nothing but plain characters in any of them.
 */
export function visitLines(given: {
  readonly env: Readonly<Record<string, string>>;
  /** Shell variables of the doorway; see there. */
  readonly directory: string;
  readonly shell: string;
  readonly flags?: string;
  readonly command?: string;
  readonly mark: 'wanted' | 'not wanted';
  /** Shell commands to run before. */
  readonly firstWords: string;
}): VisitLines {
  const lines = [given.firstWords];
  const skipped: string[] = [];
  for (const [name, value] of Object.entries(given.env)) {
    if (ownVariables.has(name)) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) skipped.push(name);
    else lines.push(...assign('__ci_value', value), `export ${name}="$__ci_value"`);
  }
  lines.push(
    ...assign('__ci_directory', given.directory),
    ...assign('__ci_shell', given.shell),
    ...assign('__ci_flags', given.flags ?? ''),
    ...assign('__ci_command', given.command ?? ''),
    `__ci_mark=${given.mark === 'wanted' ? '1' : ''}`,
  );
  return { text: `${lines.join('\n')}\n\n`, skipped };
}

/** Each byte takes up to four in a line. */
const pieceBytes = 700;

function assign(name: string, value: string): readonly string[] {
  const [first = '', ...rest] = pieces(value);
  const set = (piece: string, before: string): readonly string[] =>
    isPlain(piece)
      ? [`${name}=${before}${quote(piece)}`]
      : // The trailing `_` keeps line feeds at the end, which command substitution takes away.
        [`__ci_piece=$(printf '${octal(piece)}_')`, `${name}=${before}\${__ci_piece%_}`];
  return [...set(first, ''), ...rest.flatMap((piece) => set(piece, `$${name}`))];
}

/** Never in the middle of a character. */
function pieces(value: string): readonly string[] {
  const found: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const character of value) {
    const length = Buffer.byteLength(character);
    if (bytes + length > pieceBytes) {
      found.push(piece);
      piece = '';
      bytes = 0;
    }
    piece += character;
    bytes += length;
  }
  return [...found, piece];
}
