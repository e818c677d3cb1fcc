import type { Node } from '../../../syntax/node.ts';
import { didYouMean } from '../../../util/nearest.ts';
import { type BlockOutcome, given, refused } from './outcome.ts';

/** What blocks may look at, by the first word: `inputs`, `component`. */
export type AccessRoots = Readonly<Record<string, ReadonlyMap<string, Node>>>;

const maxBytes = 1024;
const maxParts = 5;
const maxIndices = 5;

const componentHint = 'it is known in files that are included as `component`, where `spec:component` asks for it';

/**
 * The value that a path such as `inputs.name`, `inputs.list[0].key` leads to. As on GitLab the fifth part takes all
 * that is left, and only a name of letters, digits and `_` can be indexed.
 * Source: lib/gitlab/ci/config/interpolation/access.rb
 */
export function readAccess(path: string, roots: AccessRoots): BlockOutcome<Node> {
  if (Buffer.byteLength(path) > maxBytes) return refused(`it is longer than ${maxBytes} bytes`);
  const [root = '', ...parts] = splitPath(path);
  if (parts.length === 0) return refused(`\`${path}\` names no value`, 'write it like `$[[ inputs.name ]]`');
  const values = Object.hasOwn(roots, root) ? roots[root] : undefined;
  if (values === undefined) {
    return refused(`\`${root}\` is not known here`, didYouMean(root, Object.keys(roots)));
  }
  let keys: ReadonlyMap<string, Node> | undefined = values;
  let found: BlockOutcome<Node> = refused(`\`${path}\` names no value`);
  for (const part of parts) {
    found = part.includes('[') ? indexed(part, keys, path) : keyed(part, keys, path);
    if (!found.ok) return found;
    keys = entriesOf(found.value);
  }
  return found;
}

function splitPath(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.length <= maxParts ? parts : [...parts.slice(0, maxParts - 1), parts.slice(maxParts - 1).join('.')];
}

function entriesOf(node: Node): ReadonlyMap<string, Node> | undefined {
  if (node.kind !== 'map') return undefined;
  return new Map([...node.entries].map(([key, { value }]) => [key, value]));
}

function keyed(name: string, values: ReadonlyMap<string, Node> | undefined, path: string): BlockOutcome<Node> {
  const value = values?.get(name);
  if (value !== undefined) return given(value);
  const what = path === `inputs.${name}` ? `there is no input \`${name}\`` : `\`${path}\` leads nowhere`;
  const facts = path === `component.${name}` ? componentHint : undefined;
  return refused(what, (values && didYouMean(name, values.keys())) ?? facts);
}

function indexed(part: string, values: ReadonlyMap<string, Node> | undefined, path: string): BlockOutcome<Node> {
  const match = /^(\w*)((?:\[\d+\])+)$/.exec(part);
  if (!match || match[1] === '') {
    return refused(`\`${path}\` has an index that GitLab can't read`, 'write it like `inputs.list[0]`');
  }
  const indices = [...match[2]!.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  if (indices.length > maxIndices) return refused(`\`${path}\` has more than ${maxIndices} indices`);
  const start = keyed(match[1]!, values, path);
  if (!start.ok) return start;
  let node = start.value;
  for (const index of indices) {
    if (node.kind !== 'seq') return refused(`\`${path}\` has an index, but its value is no list`);
    const item = node.items[index];
    if (item === undefined) {
      return refused(`\`${path}\` asks for item ${index} of a list of ${node.items.length}, counted from 0`);
    }
    node = item;
  }
  return given(node);
}
