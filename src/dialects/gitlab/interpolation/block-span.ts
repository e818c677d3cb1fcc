import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { Block } from './find-blocks.ts';

/**
 * Where a block of a value stands in its file: it is written there as often before as it is in the value.
 * @param source the text of the file, @param around the place of the whole value, @param text the value.
 * @returns the place of the whole value where the block can't be found as it is, as when it is broken over two lines.
 */
export function blockSpan(source: string, around: Span, text: string, block: Block): Span {
  const written = text.slice(block.start, block.end);
  let at = around.start - 1;
  for (let seen = text.indexOf(written); seen >= 0 && seen <= block.start; seen = text.indexOf(written, seen + 1)) {
    at = source.indexOf(written, at + 1);
    if (at < 0 || at + written.length > around.end) return around;
  }
  return at < around.start ? around : { file: around.file, start: at, end: at + written.length };
}
