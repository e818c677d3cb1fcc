import { once } from '../util/once.ts';

// East Asian wide and full-width blocks and the emoji planes. Source: https://www.unicode.org/reports/tr11/
const wide =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{1fa70}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const nothing = /^[\p{Mn}\p{Me}\p{Cf}\u200b]$/u;
/**
 * Text in which every code unit is one column and joins no other: ASCII, Latin letters, dashes and quotes, arrows,
 * lines, boxes, check marks, braille. All that we write ourselves, and nearly all names.
 */
const plain = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2713-\u2718\u2800-\u28ff]*$/;
const colours = /\x1b\[[0-9;:]*m/g;
/** Made at the first text that is not plain: that takes as long as reading a small pipeline. */
const graphemes = once(() => new Intl.Segmenter(undefined, { granularity: 'grapheme' }));

function graphemeWidth(grapheme: string): number {
  if (grapheme.length === 1 && grapheme >= ' ' && grapheme <= '~') return 1;
  if (grapheme.includes('\ufe0f')) return 2;
  if (wide.test(grapheme)) return 2;
  return nothing.test(grapheme) ? 0 : 1;
}

/** Columns that text takes on a terminal. Colours (SGR) take none; other control characters must be gone already. */
export function displayWidth(text: string): number {
  const bare = text.includes('\x1b') ? text.replace(colours, '') : text;
  if (plain.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of graphemes().segment(bare)) width += graphemeWidth(segment);
  return width;
}

/** Cuts text to at most `columns`, with an ellipsis where something was cut; colours that were on are ended. */
export function truncateToWidth(text: string, columns: number): string {
  // Text with at most so many code units can't be wider: saves measuring nearly always.
  if (text.length * 2 <= columns || displayWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  if (plain.test(text)) return `${text.slice(0, columns - 1)}…`;
  let width = 0;
  let kept = '';
  let coloured = false;
  for (const part of text.split(/(\x1b\[[0-9;:]*m)/)) {
    if (part.startsWith('\x1b')) {
      coloured = true;
      kept += part;
      continue;
    }
    for (const { segment } of graphemes().segment(part)) {
      width += graphemeWidth(segment);
      if (width > columns - 1) return `${kept}…${coloured ? '\x1b[0m' : ''}`;
      kept += segment;
    }
  }
  return kept;
}

/** Fills text with spaces on the right (or left) up to `columns`; longer text is left alone. */
export function padToWidth(text: string, columns: number, side: 'left' | 'right' = 'right'): string {
  const padding = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return side === 'right' ? text + padding : padding + text;
}
