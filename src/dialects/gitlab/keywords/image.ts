import type { Span } from '../../../diagnostics/diagnostic.ts';
import { parseImageName } from '../../../model/image-name.ts';
import type { Image, PullPolicy } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { ignored, runs } from '../support.ts';
import { field, kindOf, readWord, textField, textsField } from '../values.ts';

const pullPolicies = ['always', 'if-not-present', 'never'] as const;

/** The container image of a job: its name, or a map. */
export const image: Keyword<Image> = {
  name: 'image',
  scopes: ['job', 'default', 'global'],
  parts: {
    ...runs('name', 'entrypoint', 'docker:user', 'docker:platform', 'pull_policy'),
    'kubernetes:user': ignored('there is no Kubernetes executor'),
  },
  read: (entry, reading) => readImage(entry.value, 'image', reading),
};

/** What `image` and `services` have in common. An empty name means that there is none. */
export function readImage(node: Node, what: string, reading: Reading): Image | undefined {
  if (node.kind === 'scalar') {
    if (node.text === '') return undefined;
    checkName(node.text, node.span, reading);
    return { name: node.text, span: node.span };
  }
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `\`${what}\` must be a name or a map with \`name\`, not ${kindOf(node)}`);
    return undefined;
  }
  const name = textField(node, 'name', `${what}:name`, reading);
  if (name === undefined || name === '') {
    if (field(node, 'name') === undefined) invalidValue(reading, node.span, `\`${what}\` has no \`name\``);
    return undefined;
  }
  const { span } = field(node, 'name')!.value;
  checkName(name, span, reading);
  const entrypoint = textsField(node, 'entrypoint', `${what}:entrypoint`, reading);
  const pullPolicy = readPullPolicy(node, what, reading);
  return {
    name,
    span,
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(pullPolicy === undefined ? {} : { pullPolicy }),
    ...readDocker(node, what, reading),
  };
}

/** Only a warning: to executors of other kinds a name may mean something else. What variables make of it is not known. */
function checkName(name: string, span: Span, reading: Reading): void {
  const parsed = name.includes('$') ? undefined : parseImageName(name);
  if (parsed?.kind !== 'bad') return;
  reading.report({ code: 'gitlab/image-name', severity: 'warning', message: parsed.message, hint: parsed.hint, span });
}

function readPullPolicy(node: Node, what: string, reading: Reading): readonly PullPolicy[] | undefined {
  const entry = field(node, 'pull_policy');
  if (entry === undefined) return undefined;
  const items = entry.value.kind === 'seq' ? entry.value.items : [entry.value];
  return items.flatMap((item) => readWord(item, `${what}:pull_policy`, pullPolicies, reading) ?? []);
}

/** `docker:user` and `docker:platform`. */
function readDocker(node: Node, what: string, reading: Reading): Pick<Image, 'platform' | 'user'> {
  const docker = field(node, 'docker');
  if (docker === undefined) return {};
  const platform = textField(docker.value, 'platform', `${what}:docker:platform`, reading);
  const user = textField(docker.value, 'user', `${what}:docker:user`, reading);
  return { ...(platform === undefined ? {} : { platform }), ...(user === undefined ? {} : { user }) };
}
