import { stringify } from 'yaml';
import { type Node, toValue } from './node.ts';

/** A node as YAML text, with anchors and aliases written out. An unresolved reference shows as a map `!reference`. */
export function printYaml(node: Node): string {
  return stringify(toValue(node), { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' });
}
