import { displayWidth } from './display-width.ts';
import type { Output } from './output.ts';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const eraseLine = '\x1b[K';
const eraseBelow = '\x1b[J';

/** The lines at the bottom of a terminal that are drawn over again and again; what is printed goes above them. */
export interface LiveArea {
  /** Replaces the lines. */
  draw(lines: readonly string[]): void;
  /** Prints lines that stay, above the live ones. */
  print(lines: readonly string[]): void;
  /** Removes the live lines and shows the cursor again. May be called more than once. */
  end(): void;
}

/** Makes a LiveArea; the cursor is hidden from the first drawing on. */
export function liveArea(output: Output): LiveArea {
  let drawn: readonly string[] = [];
  let drawnColumns = 0;
  let hidden = false;

  /** To the first cell of the area. A terminal that has become narrower has wrapped the lines. */
  function toTop(): string {
    const columns = output.columns ?? drawnColumns;
    let rows = 0;
    for (const line of drawn) rows += columns > 0 ? Math.max(1, Math.ceil(displayWidth(line) / columns)) : 1;
    const clear = columns === drawnColumns ? '' : eraseBelow;
    return rows === 0 ? `\r${clear}` : `\r\x1b[${rows}A${clear}`;
  }
  function replace(lines: readonly string[]): string {
    const text = toTop() + lines.map((line) => `${line}${eraseLine}\n`).join('') + eraseBelow;
    drawn = lines;
    drawnColumns = output.columns ?? 0;
    return text;
  }

  return {
    draw(lines) {
      const cursor = hidden ? '' : hideCursor;
      hidden = true;
      output.write(cursor + replace(lines));
    },
    print(lines) {
      const live = drawn;
      const above = toTop() + lines.map((line) => `${line}${eraseLine}\n`).join('');
      drawn = [];
      output.write(above + live.map((line) => `${line}${eraseLine}\n`).join('') + eraseBelow);
      drawn = live;
    },
    end() {
      const erase = drawn.length === 0 ? '' : replace([]);
      output.write(erase + (hidden ? showCursor : ''));
      hidden = false;
    },
  };
}
