import { assertNever } from '../util/assert-never.ts';
import { type Clock, systemClock } from '../util/clock.ts';
import { createPaint } from './color.ts';
import { type ReadLog, readLogFile } from './log-files.ts';
import type { Output } from './output.ts';
import type { Reporter, Verbosity } from './reporter.ts';

/** Names for `--reporter`. */
export const reporterNames = ['tree', 'plain', 'json', 'github', 'gitlab'] as const;

/** One of `reporterNames`: which form the output of a run has. */
export type ReporterName = (typeof reporterNames)[number];

/** Variables that tell where this program runs, and where GitHub wants its files. */
export type ReporterEnvironment = Readonly<Record<string, string | undefined>>;

/** What a reporter writes to, and what it may look at. */
export interface ReporterOptions {
  readonly output: Output;
  /** As `resolveColor` decided for this output. */
  readonly color: boolean;
  readonly verbosity: Verbosity;
  /** For GITHUB_STEP_SUMMARY and GITHUB_OUTPUT; the `github` reporter alone looks at it. */
  readonly env: ReporterEnvironment;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: reads the file. */
  readonly readLog?: ReadLog;
}

/** Makes a reporter; only the code of that one (and the libraries it needs) is loaded. */
export async function createReporter(name: ReporterName, options: ReporterOptions): Promise<Reporter> {
  const { env, clock = systemClock, readLog = readLogFile, ...rest } = options;
  const painted = async () => ({ ...rest, paint: await createPaint(options) });
  switch (name) {
    case 'tree':
      return (await import('./tree.ts')).treeReporter({ ...(await painted()), clock });
    case 'plain':
      return (await import('./plain.ts')).plainReporter(await painted());
    case 'json':
      return (await import('./json.ts')).jsonReporter(rest);
    case 'github': {
      const stepSummaryPath = env['GITHUB_STEP_SUMMARY'];
      const outputPath = env['GITHUB_OUTPUT'];
      const files = { ...(stepSummaryPath ? { stepSummaryPath } : {}), ...(outputPath ? { outputPath } : {}) };
      return (await import('./github.ts')).githubReporter({ ...(await painted()), readLog, ...files });
    }
    case 'gitlab':
      return (await import('./gitlab.ts')).gitlabReporter({ ...(await painted()), readLog });
    default:
      return assertNever(name);
  }
}

/**
 * Resolves `--reporter`. `auto`: `tree` on a terminal that can move its cursor, `github` and `gitlab` inside those,
 * else `plain`. `-q` on a terminal is `plain`, which then prints failures alone.
 */
export function chooseReporter(
  wanted: 'auto' | ReporterName,
  given: { readonly isTTY: boolean; readonly env: ReporterEnvironment; readonly verbosity: Verbosity },
): ReporterName {
  if (wanted !== 'auto') return wanted;
  const { isTTY, env, verbosity } = given;
  if (env['GITHUB_ACTIONS'] === 'true') return 'github';
  if (env['GITLAB_CI'] === 'true') return 'gitlab';
  return isTTY && env['TERM'] !== 'dumb' && verbosity !== 'quiet' ? 'tree' : 'plain';
}
