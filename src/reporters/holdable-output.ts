import { type Deferred, deferred } from '../util/deferred.ts';
import type { Output } from './output.ts';

/** An output that keeps what is written to it for a while, since somebody else has the terminal. */
export interface HoldableOutput extends Output {
  /** Keeps what is written until it is released. */
  hold(): void;
  /** Writes what was kept. */
  release(): void;
}

/** So much is kept; who writes more has to wait. */
const mostKeptBytes = 8 << 20;

/** Makes one of another output. */
export function holdableOutput(output: Output): HoldableOutput {
  let kept: Uint8Array[] | undefined;
  let keptBytes = 0;
  let room: Deferred<void> | undefined;
  return {
    isTTY: output.isTTY,
    get columns() {
      return output.columns;
    },
    get rows() {
      return output.rows;
    },
    write(content) {
      if (kept === undefined) {
        output.write(content);
        return;
      }
      const bytes = Buffer.from(content);
      kept.push(bytes);
      keptBytes += bytes.length;
      if (keptBytes > mostKeptBytes) room ??= deferred();
    },
    ready: () => room?.promise ?? output.ready(),
    hold: () => {
      kept ??= [];
    },
    release: () => {
      const waiting = kept ?? [];
      kept = undefined;
      keptBytes = 0;
      for (const bytes of waiting) output.write(bytes);
      room?.resolve();
      room = undefined;
    },
  };
}
