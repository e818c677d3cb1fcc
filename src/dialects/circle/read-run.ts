import type { RunStep } from '../../model/step.ts';
import type { MapEntry } from '../../syntax/node.ts';
import { strictMode } from '../strict-mode.ts';
import { readEnvironment } from './environment.ts';
import { booleanOf } from './parameters.ts';
import { field, type Reading } from './reading.ts';
import { readStepReruns } from './reruns.ts';
import { duration, literal, required, text, whenOf } from './step-fields.ts';

/** CircleCI ends a step that prints nothing for so long. Source: https://circleci.com/docs/reference/configuration-reference/#run */
const noOutputMs = 10 * 60_000;

/**
 * Reads `run` and its older name `deploy`. Who names a shell says there how strict it is; bash itself reads what earlier steps
 * have written into the file that `BASH_ENV` names.
 * @param defaults.shell of the job.
 */
export function readRun(step: MapEntry, reading: Reading, defaults: { readonly shell?: string }): RunStep | undefined {
  const command = required(step, 'command', reading);
  if (command === undefined) return undefined;
  const shell = text(step, 'shell', reading) ?? defaults.shell;
  const directory = text(step, 'working_directory', reading);
  const variables = field(step.value, 'environment');
  const reruns = readStepReruns(step, reading);
  const teardown = field(step.value, 'teardown');
  if (teardown !== undefined) {
    const message = 'the steps of `teardown` are not run here';
    const hint = 'write a step with `when: always` behind this one';
    reading.report({ code: 'circle/not-run', severity: 'warning', message, span: teardown.keySpan, hint });
  }
  return {
    kind: 'run',
    phase: 'script',
    when: whenOf(step, reading),
    name: text(step, 'name', reading) ?? command.trim().split('\n', 1)[0]!.trimEnd(),
    script: shell === undefined ? [strictMode, command] : [command],
    echo: 'plain',
    variables: variables === undefined ? [] : readEnvironment(variables, reading),
    background: booleanOf(field(step.value, 'background')?.value) ?? false,
    noOutputTimeoutMs: duration(step, 'no_output_timeout', reading) ?? noOutputMs,
    ...(shell === undefined ? {} : { shell: literal(readingInput(shell)) }),
    ...(directory === undefined ? {} : { directory: literal(directory) }),
    ...(reruns === undefined ? {} : { reruns }),
  };
}

/** Commands come on the shell's input, so a `-c` that asks for one more word is in the way. */
function readingInput(shell: string): string {
  return shell.trim().replace(/\s+-c$/, '');
}
