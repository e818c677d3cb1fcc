import type { JobProgram } from '../../../model/job-program.ts';
import circleci from './circleci.sh';
import glob from './glob.awk';
import sort from './sort.awk';
import splitting from './split.awk';
import split from './split.sh';
import subst from './subst.awk';
import timings from './timings.awk';

const parts: Readonly<Record<string, string>> = {
  'glob.awk': glob,
  'sort.awk': sort,
  'split.awk': splitting,
  'split.sh': split,
  'subst.awk': subst,
  'timings.awk': timings,
};

/** Puts files in the place of lines like `@glob.awk`. */
function assemble(text: string): string {
  return text.replace(/^@(\S+)$/gm, (_, name: string) => assemble(parts[name]!).trimEnd());
}

/**
 * What jobs find as `circleci` and `circleci-agent`, in place of CircleCI's own program, which can't be had.
 *
 * Documented: the commands and their options, the pattern of `tests glob`, and that by name tests are split in the order of the alphabet.
 * Sources: https://circleci.com/docs/guides/toolkit/environment-cli-usage-guide/,
 * https://circleci.com/docs/guides/optimize/use-the-circleci-cli-to-split-tests/; for `env subst` the library that CircleCI's open
 * command line interface uses for it, github.com/a8m/envsubst.
 *
 * Not documented, and so taken for likely: that tests of equal weight are dealt out in turn; that a heavier one is always given away before a lighter one;
 * that a test which is named twice counts once; that `tests split` takes a line for a name, where for `tests run` spaces separate names too (documented); that the command of `tests run` gets
 * the names separated by spaces, as examples have it; that `tests glob` prints directories that fit, sorts, and finds names with a
 * leading dot; the words of all messages.
 */
export const circleciPrograms: readonly JobProgram[] = [
  { name: 'circleci', text: assemble(circleci) },
  { name: 'circleci-agent', text: 'exec "$' + '{0%-agent}" "$@"\n' },
];
