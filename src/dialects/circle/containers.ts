import type { Image, Service } from '../../model/pipeline.ts';
import type { VariableDefinition } from '../../model/variable.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { readEnvironment } from './environment.ts';
import { field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';

/** What the list under `docker` means: the first container runs the steps, the others stand beside it. */
export interface Containers {
  readonly image: Image;
  /** Variables of the first container: its steps see them below the job's own. */
  readonly variables: readonly VariableDefinition[];
  readonly services: readonly Service[];
}

/** Reads `docker`. Source: https://circleci.com/docs/reference/configuration-reference/#docker */
export function readContainers(docker: MapEntry, reading: Reading): Containers | undefined {
  if (docker.value.kind !== 'seq' || docker.value.items.length === 0) {
    const message = `\`docker\` must be a list of containers, not ${kindOf(docker.value)}`;
    problem(reading, 'circle/wrong-type', docker.value.span, message);
    return undefined;
  }
  const [first, ...others] = itemsOf(docker.value).flatMap((item) => readContainer(item, reading) ?? []);
  if (first === undefined) return undefined;
  const { aliases: _, variables, command: __, ...image } = first;
  return { image, variables, services: others };
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
    ...(user === undefined ? {} : { user }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(command === undefined ? {} : { command }),
  };
}

/** A list of words; one text is what a shell would run. */
function words(item: MapNode, key: string, reading: Reading): readonly string[] | undefined {
  const found = field(item, key);
  if (found === undefined) return undefined;
  const text = textOf(found.value);
  if (text !== undefined) return text.split(/\s+/).filter((word) => word !== '');
  return itemsOf(found.value).flatMap((word) => {
    const value = textOf(word);
    if (value === undefined) {
      problem(reading, 'circle/wrong-type', word.span, `\`${key}\` wants words, not ${kindOf(word)}`);
    }
    return value ?? [];
  });
}
