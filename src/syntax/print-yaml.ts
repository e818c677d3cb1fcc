import { Document, YAMLMap, YAMLSeq } from 'yaml';
import type { Node } from './node.ts';

/** The node as the library's own tree: there a reference can have its tag, and number-like keys keep their place. */
function toTree(document: Document, node: Node): unknown {
  switch (node.kind) {
    case 'scalar':
      return document.createNode(node.value);
    case 'seq': {
      const list = new YAMLSeq(document.schema);
      list.items = node.items.map((item) => toTree(document, item));
      return list;
    }
    case 'reference': {
      const list = document.createNode([...node.path], { flow: true });
      list.tag = '!reference';
      return list;
    }
    case 'map': {
      const map = new YAMLMap(document.schema);
      map.items = [...node.entries.values()].map(({ key, value }) => document.createPair(key, toTree(document, value)));
      return map;
    }
  }
}

/** A node as YAML text, with anchors and aliases written out. An unresolved reference keeps its tag, `!reference`. */
export function printYaml(node: Node): string {
  const document = new Document(null, { version: '1.1', aliasDuplicateObjects: false });
  document.contents = toTree(document, node) as typeof document.contents;
  return document.toString({ lineWidth: 0 });
}
