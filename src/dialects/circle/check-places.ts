import { parseImageName } from '../../model/image-name.ts';
import type { MapNode } from '../../syntax/node.ts';
import { field, itemsOf, problem, type Reading, textOf } from './reading.ts';

/** Says what can be no place for a job to run, of a job or an executor, whether it is used or not. */
export function checkPlaces(node: MapNode, what: string, reading: Reading): void {
  for (const item of itemsOf(field(node, 'docker')?.value)) {
    const image = field(item, 'image');
    const name = textOf(image?.value);
    if (image === undefined || name === undefined || /<<|\$/.test(name)) continue;
    const parsed = parseImageName(name);
    if (parsed.kind !== 'bad') continue;
    problem(reading, 'circle/image', image.value.span, parsed.message, { hint: parsed.hint });
  }
  const size = field(node, 'resource_class');
  const text = textOf(size?.value);
  // Names of classes come and go, so only what is known to be for others is refused.
  if (field(node, 'macos') === undefined || size === undefined || text === undefined) return;
  if (!/^(?:small|medium\+?|xlarge|2xlarge\+?|arm\..*|gpu\..*|windows\..*)$/.test(text)) return;
  problem(reading, 'circle/job', size.value.span, `${what} runs on macOS, which has no class \`${text}\``);
}
