import type { Image, Service } from '../../model/pipeline.ts';
import type { VariableDefinition } from '../../model/variable.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { readEnvironment } from './environment.ts';
import { field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';
import { literal } from './step-fields.ts';

/** What the list under `docker` means: the first container runs the steps, the others stand beside it. */
export interface Containers {
  readonly image: Image;
  /** Variables of the first container: its steps see them below the job's own. */
  readonly variables: readonly VariableDefinition[];
  readonly services: readonly Service[];
}

/**
 * Reads `docker`. The first container's own program counts for nothing, since the job's steps are run in it.
 * Source: https://circleci.com/docs/reference/configuration-reference/#docker
 * @param platform of all containers; undefined: the engine's own.
 */
export function readContainers(
  docker: MapEntry,
  platform: string | undefined,
  reading: Reading,
): Containers | undefined {
  if (docker.value.kind !== 'seq' || docker.value.items.length === 0) {
    const message = `\`docker\` must be a list of containers, not ${kindOf(docker.value)}`;
    problem(reading, 'circle/wrong-type', docker.value.span, message);
    return undefined;
  }
  const items = itemsOf(docker.value);
  const all = items.flatMap((item) => readContainer(item, reading) ?? []);
  const [first, ...others] = platform === undefined ? all : all.map((one) => ({ ...one, platform }));
  if (first === undefined) return undefined;
  for (const key of ['entrypoint', 'command']) tellUnused(items[0], key, reading);
  const { aliases: _, variables, command: __, ...image } = first;
  return { image: { ...image, entrypoint: [] }, variables, services: others };
}

function tellUnused(item: Node | undefined, key: string, reading: Reading): void {
  const found = field(item, key);
  if (found === undefined) return;
  const message = `\`${key}\` of a job's first container does nothing here: the steps are run in that container`;
  reading.report({ code: 'circle/not-run', severity: 'warning', message, span: found.keySpan });
}

function readContainer(item: Node, reading: Reading): Service | undefined {
  const named = field(item, 'image');
  const name = textOf(named?.value);
  if (item.kind !== 'map' || named === undefined || name === undefined) {
    const hint = 'write it as `- image: cimg/base:stable`';
    problem(reading, 'circle/job', item.span, 'a container wants `image`', { hint });
    return undefined;
  }
  const alias = textOf(field(item, 'name')?.value);
  const user = textOf(field(item, 'user')?.value);
  const environment = field(item, 'environment');
  const entrypoint = words(item, 'entrypoint', reading);
  const command = words(item, 'command', reading);
  return {
    name,
    span: named.value.span,
    aliases: alias === undefined ? [] : [alias],
    variables: environment === undefined ? [] : readEnvironment(environment, reading),
    ...(user === undefined ? {} : { user: literal(user) }),
    ...readLogin(item, reading),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(command === undefined ? {} : { command }),
  };
}

/**
 * `auth`: variables in it are filled in when the image is pulled.
 * Source: https://circleci.com/docs/guides/execution-managed/private-images/
 */
function readLogin(item: MapNode, reading: Reading): Pick<Image, 'login'> {
  const aws = field(item, 'aws_auth');
  if (aws !== undefined) {
    const message = '`aws_auth` does nothing here: images are pulled with your own logins';
    const hint = 'log in with `aws ecr get-login-password | docker login --password-stdin …`';
    reading.report({ code: 'circle/not-run', severity: 'warning', message, span: aws.keySpan, hint });
  }
  const auth = field(item, 'auth');
  const username = textOf(field(auth?.value, 'username')?.value);
  const password = textOf(field(auth?.value, 'password')?.value);
  return username === undefined || password === undefined ? {} : { login: { username, password } };
}

/** A list of words; one text is what a shell would run. */
function words(item: MapNode, key: string, reading: Reading): readonly string[] | undefined {
  const found = field(item, key);
  if (found === undefined) return undefined;
  const text = textOf(found.value);
  if (text !== undefined) {
    return text
      .split(/\s+/)
      .filter((word) => word !== '')
      .map(literal);
  }
  return itemsOf(found.value).flatMap((word) => {
    const value = textOf(word);
    if (value === undefined) {
      problem(reading, 'circle/wrong-type', word.span, `\`${key}\` wants words, not ${kindOf(word)}`);
    }
    return value === undefined ? [] : literal(value);
  });
}
