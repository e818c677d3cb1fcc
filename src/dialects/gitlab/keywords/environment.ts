import type { Spanned } from '../../../diagnostics/diagnostic.ts';
import type { Environment } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { ignored, runs, simulated } from '../support.ts';
import { field, readDuration, readText, textField, wordField } from '../values.ts';

const actions = ['start', 'prepare', 'stop', 'verify', 'access'] as const;

/** Source: lib/gitlab/ci/config/entry/environment.rb */
const longestUrl = 255;

/** Where the job deploys to: a name, or a map. */
export const environment: Keyword<Environment> = {
  name: 'environment',
  scopes: ['job'],
  parts: {
    ...runs('name', 'url', 'action', 'deployment_tier'),
    on_stop: simulated('the job that it names is checked and shown; it runs when you start it, never by itself'),
    auto_stop_in: simulated('checked and shown; nothing stops the environment'),
    kubernetes: ignored('there is no dashboard or agent'),
  },
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      const name = readText(node, 'environment', reading);
      if (name !== undefined) checkName(node, name, reading);
      return name === undefined ? undefined : { name, action: 'start' };
    }
    const name = textField(node, 'name', 'environment:name', reading);
    if (name === undefined) {
      if (!field(node, 'name')) invalidValue(reading, node.span, '`environment` has no `name`');
      return undefined;
    }
    const url = textField(node, 'url', 'environment:url', reading);
    checkName(field(node, 'name')!.value, name, reading);
    if (url !== undefined && url.length > longestUrl) {
      const message = `\`environment:url\` may have ${longestUrl} characters at most, this one has ${url.length}`;
      invalidValue(reading, field(node, 'url')!.value.span, message);
    }
    const onStop = readOnStop(node, reading);
    const autoStopIn = readAutoStop(node, reading);
    const tier = textField(node, 'deployment_tier', 'environment:deployment_tier', reading);
    return {
      name,
      action: wordField(node, 'action', 'environment:action', actions, reading) ?? 'start',
      ...(url === undefined ? {} : { url }),
      ...(onStop === undefined ? {} : { onStop }),
      ...(tier === undefined ? {} : { tier }),
      ...(autoStopIn === undefined ? {} : { autoStopIn }),
    };
  },
};

/** A duration, `never`, or what a variable says when the job runs. */
function readAutoStop(node: Node, reading: Reading): string | undefined {
  const text = textField(node, 'auto_stop_in', 'environment:auto_stop_in', reading);
  if (text === undefined || text.includes('$') || text.trim().toLowerCase() === 'never') return text;
  return readDuration(field(node, 'auto_stop_in')!.value, 'environment:auto_stop_in', reading) === undefined
    ? undefined
    : text;
}

function readOnStop(node: Node, reading: Reading): Spanned<string> | undefined {
  const value = textField(node, 'on_stop', 'environment:on_stop', reading);
  return value === undefined ? undefined : { value, span: field(node, 'on_stop')!.value.span };
}

/** Source: lib/gitlab/regex.rb (`environment_name_regex`) */
function checkName(node: Node, name: string, reading: Reading): void {
  if (/^[\w/${}. -]*$/.test(name) && !/^\/|\/$/.test(name)) return;
  if (name.includes('$[[')) return;
  const message = `\`${name}\` can't be the name of an environment`;
  const hint = 'letters, digits, spaces and `-_/${}.` are allowed, but no slash at the start or end';
  invalidValue(reading, node.span, message, hint);
}
