import { Document, type Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Node } from './node.ts';

/** The node as the library's own tree: there a reference can have its tag, and number-like keys keep their place. */
function toTree(document: Document, node: Node, note: Note, top?: string): unknown {
  const commented = <T extends { comment?: string | null | undefined }>(made: T): T => {
    const text = note(node, top);
    if (text !== undefined) made.comment = ` ${text}`;
    return made;
  };
  switch (node.kind) {
    case 'scalar':
      return commented(document.createNode(node.value) as Scalar);
    case 'seq': {
      const list = new YAMLSeq(document.schema);
      list.items = node.items.map((item) => toTree(document, item, note, top));
      return list.items.length === 0 ? commented(list) : list;
    }
    case 'reference': {
      const list = document.createNode([...node.path], { flow: true });
      list.tag = '!reference';
      return commented(list);
    }
    case 'map': {
      const map = new YAMLMap(document.schema);
      map.items = [...node.entries.values()].map(({ key, value }) =>
        document.createPair(key, toTree(document, value, note, top ?? key)),
      );
      return map.items.length === 0 ? commented(map) : map;
    }
  }
}

/** What to say behind a value; `top`: the key of the outermost map that it stands below. */
export type Note = (node: Node, top: string | undefined) => string | undefined;

/**
 * A node as YAML text, with anchors and aliases written out. An unresolved reference keeps its tag, `!reference`.
 * @param note comments behind scalars, references, and lists and maps that are empty.
 */
export function printYaml(node: Node, note: Note = () => undefined): string {
  const document = new Document(null, { version: '1.1', aliasDuplicateObjects: false });
  document.contents = toTree(document, node, note) as typeof document.contents;
  return document.toString({ lineWidth: 0 });
}
