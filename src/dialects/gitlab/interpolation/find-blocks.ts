/** One `$[[ … ]]` in a text; offsets in UTF-16 code units, `end` exclusive. */
export interface Block {
  readonly start: number;
  readonly end: number;
  /** What stands inside, without the space around it. */
  readonly data: string;
  readonly dataStart: number;
}

const opening = '$[[';
const space = /\s/;

/**
 * The blocks of a text from left to right, with the extent that GitLab's pattern
 * `\$\[\[\s*(\S.*?\S)\s*\]\]` gives them: at least two characters, all on one line, up to the nearest `]]`.
 * Linear in the text. Source: lib/gitlab/ci/config/interpolation/template.rb
 */
export function findBlocks(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let close = -1;
  /** Where the space before `close` begins; looked for once, as many blocks may have to look at the same `close`. */
  let closeEnd = -1;
  let newline = -1;
  for (let start = text.indexOf(opening); start >= 0; ) {
    const dataStart = skipSpace(text, start + opening.length);
    if (newline < dataStart) newline = indexOrEnd(text, '\n', dataStart);
    let block: Block | undefined;
    for (let from = dataStart + 2; block === undefined; from = close + 1) {
      const found = close < from ? text.indexOf(']]', from) : close;
      // No other block can be closed either.
      if (found < 0) return blocks;
      if (found !== close) {
        close = found;
        closeEnd = trimEnd(text, close);
      }
      const dataEnd = Math.max(dataStart, closeEnd);
      if (dataEnd > newline) break;
      if (dataEnd - dataStart < 2) continue;
      block = { start, end: close + 2, data: text.slice(dataStart, dataEnd), dataStart };
    }
    if (block) blocks.push(block);
    start = text.indexOf(opening, block?.end ?? start + 1);
  }
  return blocks;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && space.test(text[at]!)) at++;
  return at;
}

function trimEnd(text: string, to: number): number {
  let end = to;
  while (end > 0 && space.test(text[end - 1]!)) end--;
  return end;
}

function indexOrEnd(text: string, part: string, from: number): number {
  const found = text.indexOf(part, from);
  return found < 0 ? text.length : found;
}
