import type { Location } from './locate.ts';

/** One source line as it is shown, and where the mark goes below it. */
export interface Excerpt {
  readonly line: number;
  readonly text: string;
  /** Characters in front of the mark. */
  readonly indent: number;
  /** Characters that are marked, at least one. */
  readonly length: number;
}

const tabWidth = 2;
const cut = '…';

/** Control characters would move the cursor or colour the terminal: a file must not do that to its reader. */
function visible(character: string): string {
  if (character === '\t') return ' '.repeat(tabWidth);
  const code = character.charCodeAt(0);
  if (code === 0xfeff) return '';
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ? '�' : character;
}

function show(text: string): string {
  return Array.from(text, visible).join('');
}

/**
 * The line of a location (its first, when there are several), with tabs widened, cut to `width` around the marked part.
 */
export function sourceExcerpt(location: Location, width = 100): Excerpt {
  const { start, end, index } = location;
  const source = index.lineText(start.line);
  const from = Math.min(start.column - 1, source.length);
  const to = end.line > start.line ? source.length : Math.min(end.column - 1, source.length);
  // A window over the source line first, so that a line of a megabyte is never copied piece by piece.
  const windowStart =
    source.length <= width ? 0 : Math.max(0, Math.min(from - Math.floor(width / 3), source.length - width));
  const windowEnd = Math.min(source.length, windowStart + width);
  const before = show(source.slice(windowStart, from));
  const marked = show(source.slice(from, Math.min(to, windowEnd)));
  const after = show(source.slice(Math.max(from, Math.min(to, windowEnd)), windowEnd));
  const head = windowStart > 0 ? cut : '';
  const tail = windowEnd < source.length ? cut : '';
  return {
    line: start.line,
    text: head + before + marked + after + tail,
    indent: head.length + Array.from(before).length,
    length: Math.max(1, Array.from(marked).length),
  };
}
