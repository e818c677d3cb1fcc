import type { Span } from '../../diagnostics/diagnostic.ts';
import type { TextRange } from './template.ts';

/**
 * Where a part of a text stands in its file.
 * @param text the text as YAML reads it.
 * @param span where the whole text is written.
 * @param source the file; absent: not known, and the whole text is meant.
 * @returns a function from a stretch of the text to its place; what is written in another way than it reads (folded
 * lines, escapes) and does not begin with `<<` is in the place of the whole text.
 */
export function placeInText(text: string, span: Span, source: string | undefined): (range: TextRange) => Span {
  if (source === undefined) return () => span;
  const written = source.slice(span.start, span.end);
  const offset = written.indexOf(text);
  if (offset >= 0) {
    const first = span.start + offset;
    return ({ start, end }) => ({ ...span, start: first + start, end: first + Math.max(end, start + 1) });
  }
  let places: ReadonlyMap<number, number> | undefined;
  return (range) => {
    places ??= tagPlaces(text, written);
    const start = places.get(range.start);
    if (start === undefined) return span;
    const part = text.slice(range.start, range.end);
    const length = written.startsWith(part, start) ? part.length : 2;
    return { ...span, start: span.start + start, end: span.start + start + length };
  };
}

/** Each `<<` of a text and where it is written: neither escapes nor line breaks come between its two characters. */
function tagPlaces(text: string, written: string): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  let to = 0;
  for (let from = text.indexOf('<<'); from >= 0; from = text.indexOf('<<', from + 2)) {
    to = written.indexOf('<<', to);
    if (to < 0) break;
    places.set(from, to);
    to += 2;
  }
  return places;
}
