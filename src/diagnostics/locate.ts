import type { Span } from './diagnostic.ts';
import { type LineIndex, lineIndex, type Position } from './line-index.ts';

/** The text of a file by the path that spans name; undefined when it is not at hand. */
export type Sources = (file: string) => string | undefined;

/** A span in lines and columns, all from 1; the end is exclusive. */
export interface Location {
  readonly file: string;
  readonly start: Position;
  readonly end: Position;
  readonly index: LineIndex;
}

/** Turns spans into lines and columns; each file is indexed once. Undefined when the file's text is not at hand. */
export function locator(sources: Sources): (span: Span) => Location | undefined {
  const indexes = new Map<string, LineIndex | undefined>();
  return ({ file, start, end }) => {
    if (!indexes.has(file)) {
      const text = sources(file);
      indexes.set(file, text === undefined ? undefined : lineIndex(text));
    }
    const index = indexes.get(file);
    if (index === undefined) return undefined;
    return { file, start: index.position(start), end: index.position(Math.max(start, end)), index };
  };
}
