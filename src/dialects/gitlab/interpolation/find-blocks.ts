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
  let newline = -1;
  for (let start = text.indexOf(opening); start >= 0; ) {
    const dataStart = skipSpace(text, start + opening.length);
    if (newline < dataStart) newline = indexOrEnd(text, '\n', dataStart);
    let block: Block | undefined;
    for (let from = dataStart + 2; block === undefined; from = close + 1) {
      if (close < from) close = text.indexOf(']]', from);
      // No other block can be closed either.
      if (close < 0) return blocks;
      const dataEnd = trimEnd(text, dataStart, close);
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

function trimEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && space.test(text[end - 1]!)) end--;
  return end;
}

function indexOrEnd(text: string, part: string, from: number): number {
  const found = text.indexOf(part, from);
  return found < 0 ? text.length : found;
}
