/** A place in a text as people count: both from 1, `column` in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Answers where an offset lies. Built once a text, asked often. */
export interface LineIndex {
  readonly lineCount: number;
  /** An offset beyond the text counts as its end, one before it as its start. */
  position(offset: number): Position;
  /** The text of line `line` (from 1) without its line break; '' for a line that does not exist. */
  lineText(line: number): string;
  /** Offset of the first character of line `line`. */
  lineStart(line: number): number;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Makes the index of `text`; the lines are only looked for at the first question. */
export function lineIndex(text: string): LineIndex {
  let found: number[] | undefined;
  const starts = (): number[] => {
    found ??= findLineStarts(text);
    return found;
  };
  const lineStart = (line: number): number => starts()[line - 1] ?? text.length;
  return {
    get lineCount() {
      return starts().length;
    },
    position(offset) {
      const at = Math.max(0, Math.min(offset, text.length));
      const all = starts();
      let low = 0;
      let high = all.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (all[middle]! <= at) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: at - all[low]! + 1 };
    },
    lineText(line) {
      if (line < 1 || line > starts().length) return '';
      const end = starts()[line] === undefined ? text.length : starts()[line]! - 1;
      const content = text.slice(lineStart(line), end);
      return content.endsWith('\r') ? content.slice(0, -1) : content;
    },
    lineStart,
  };
}
