import type { TerminalSize } from '../visit.ts';

/**
 * Tells the size of a terminal on, one call at a time: of two calls at once the older may be heard last.
 * @param size the size as it is now.
 * @param tell what may fail: the next change tells it again.
 * @returns to be called at each change.
 */
export function sizeFollower(size: () => TerminalSize, tell: (size: TerminalSize) => Promise<unknown>): () => void {
  let isTelling = false;
  let isNew = false;
  const follow = async (): Promise<void> => {
    isTelling = true;
    while (isNew) {
      isNew = false;
      await tell(size()).catch(() => {});
    }
    isTelling = false;
  };
  return () => {
    isNew = true;
    if (!isTelling) void follow();
  };
}
