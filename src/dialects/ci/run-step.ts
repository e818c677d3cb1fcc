import type { RunStep } from '../../model/step.ts';
import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { readVariables } from '../gitlab/keywords/variables.ts';
import type { Reading } from '../gitlab/reading.ts';
import { booleanField, field, readDuration, readText, textField } from '../gitlab/values.ts';
import { strictMode } from '../strict-mode.ts';
import { invalidStep, readWhen } from './step-values.ts';

/** `run`: one command (often of many lines) in a shell of its own. A `shell` of the user's says itself how strict it is. */
export function readRun(entry: MapEntry, reading: Reading): RunStep | undefined {
  if (entry.value.kind !== 'map') {
    const command = readText(entry.value, 'run', reading);
    return command === undefined ? undefined : { ...plain(command), name: firstLine(command) };
  }
  return readDetailed(entry, entry.value, reading);
}

function readDetailed(entry: MapEntry, node: MapNode, reading: Reading): RunStep | undefined {
  const command = textField(node, 'command', 'run:command', reading);
  // A command of the wrong form was told where it was read.
  if (command === undefined && field(node, 'command')) return undefined;
  if (command === undefined || command.trim() === '') {
    invalidStep(reading, entry.keySpan, '`run` has no `command`');
    return undefined;
  }
  const name = textField(node, 'name', 'run:name', reading);
  const shell = textField(node, 'shell', 'run:shell', reading);
  const directory = textField(node, 'working_directory', 'run:working_directory', reading);
  const environment = field(node, 'environment');
  const silence = field(node, 'no_output_timeout');
  const noOutputTimeoutMs = silence && readDuration(silence.value, 'run:no_output_timeout', reading);
  return {
    ...plain(command),
    ...(shell === undefined ? {} : { script: [command] }),
    when: readWhen(node, 'run:when', 'on_success', reading),
    name: name ?? firstLine(command),
    variables: environment ? readVariables(environment.value, 'run:environment', reading) : [],
    background: booleanField(node, 'background', 'run:background', reading) ?? false,
    ...(shell === undefined ? {} : { shell }),
    ...(directory === undefined ? {} : { directory }),
    ...(noOutputTimeoutMs === undefined ? {} : { noOutputTimeoutMs }),
  };
}

function plain(command: string): Omit<RunStep, 'name'> {
  return {
    kind: 'run',
    phase: 'script',
    when: 'on_success',
    script: [strictMode, command],
    echo: 'plain',
    variables: [],
    background: false,
  };
}

function firstLine(command: string): string {
  return command.trimStart().split('\n', 1)[0]!.trimEnd();
}
