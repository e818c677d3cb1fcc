/** Where a text of TOML is at the end of a line: within which quotes of several lines, and how deep in lists and tables. */
interface Place {
  readonly quotes: '"""' | "'''" | '';
  readonly depth: number;
}

/**
 * Which lines begin a key, a header or a comment: those that are not inside a text of several lines, or a list.
 * @param lines of a valid TOML document, without their `\n`.
 */
export function beginningLines(lines: readonly string[]): readonly boolean[] {
  let place: Place = { quotes: '', depth: 0 };
  return lines.map((line) => {
    const begins = place.quotes === '' && place.depth === 0;
    place = placeAfter(line, place);
    return begins;
  });
}

/** What means something on a line: quotes, with what they hold where they end on it, brackets and comments. */
const token = /"""|'''|"(?:\\.|[^"\\])*"|'[^']*'|[[\]{}]|#.*/g;

function placeAfter(line: string, before: Place): Place {
  let { quotes, depth } = before;
  let at = 0;
  for (;;) {
    if (quotes !== '') {
      const end = endOf(quotes, line, at);
      if (end === undefined) return { quotes, depth };
      quotes = '';
      at = end;
    }
    token.lastIndex = at;
    const found = token.exec(line)?.[0];
    if (found === undefined) return { quotes, depth };
    at = token.lastIndex;
    if (found === '"""' || found === "'''") quotes = found;
    else if (found === '[' || found === '{') depth += 1;
    else if (found === ']' || found === '}') depth -= 1;
  }
}

/** Just behind the end of a text; up to two more quotes belong to it. */
function endOf(quotes: '"""' | "'''", line: string, from: number): number | undefined {
  const closing = quotes === '"""' ? /(?:\\.|[^\\])*?"{3,5}/y : /.*?'{3,5}/y;
  closing.lastIndex = from;
  return closing.test(line) ? closing.lastIndex : undefined;
}
