import { resolveColor } from '../../reporters/color.ts';
import { chooseReporter, createReporter } from '../../reporters/index.ts';
import type { Output } from '../../reporters/output.ts';
import type { Reporter } from '../../reporters/reporter.ts';
import type { Invocation } from '../invocation.ts';
import type { RunOptions } from '../options.ts';

/** The reporter that the user sees. */
export function screenReporter(invocation: Invocation, options: RunOptions, output: Output): Promise<Reporter> {
  const verbosity = options.quiet ? 'quiet' : options.verbose ? 'verbose' : 'normal';
  const { env, stdout } = invocation;
  const name = chooseReporter(options.reporter ?? 'auto', { isTTY: stdout.isTty, env, verbosity });
  // GitHub and GitLab show colours though their logs are no terminal.
  const isTTY = stdout.isTty || name === 'github' || name === 'gitlab';
  const color = resolveColor({ flag: options.color ?? 'auto', env, isTTY });
  return createReporter(name, { output, color, verbosity, env });
}
