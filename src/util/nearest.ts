/** Edit distance with adjacent transpositions, so that `biuld` is one step from `build`. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, beforePrevious[j - 2]! + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/**
 * The candidates most like `word`, nearest first, at most `most` of them.
 * @param maxDistance leave out those that need more edits than this; default: a third of the word, at least 2;
 * but never so many that no letter of the word has to stay.
 */
export function nearest(word: string, candidates: Iterable<string>, most = 3, maxDistance?: number): string[] {
  const limit = maxDistance ?? Math.min(word.length - 1, Math.max(2, Math.floor(word.length / 3)));
  const lower = word.toLowerCase();
  const scored: { candidate: string; distance: number }[] = [];
  for (const candidate of new Set(candidates)) {
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance <= limit) scored.push({ candidate, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  return scored.slice(0, most).map(({ candidate }) => candidate);
}

/** "did you mean `build`?", or undefined when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const [best] = nearest(word, candidates, 1);
  return best === undefined ? undefined : `did you mean \`${best}\`?`;
}

/** So many mistakes of one kind get a hint; more than that nobody mends name by name. */
const mostHints = 50;

/**
 * `didYouMean` for names that are looked up again and again: with thousands of wrong names among thousands of right
 * ones, comparing all of them would take minutes, so only the first mistakes get a hint.
 */
export function suggester(candidates: () => Iterable<string>): (word: string) => string | undefined {
  let left = mostHints;
  return (word) => (left-- > 0 ? didYouMean(word, candidates()) : undefined);
}
