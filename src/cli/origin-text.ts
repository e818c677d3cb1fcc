import { locator } from '../diagnostics/locate.ts';
import type { Compiled, Origin } from '../dialects/dialect.ts';
import { oneLine } from '../reporters/terminal-text.ts';
import type { Node } from '../syntax/node.ts';
import type { Note } from '../syntax/print-yaml.ts';
import type { LoadedPipeline } from './load-pipeline.ts';

type Located = Pick<LoadedPipeline, 'sources'>;

/** Comments for the merged file: `ci/base.yml:3, extends .base, included by .gitlab-ci.yml`. */
export function originNotes(compiled: Compiled, { sources }: Located): Note {
  const locate = locator(sources);
  return (node, top = '') => {
    const origin = compiled.originOf(top, node.span);
    const line = locate(node.span)?.start.line;
    const place = line === undefined ? node.span.file : `${node.span.file}:${line}`;
    const parts = [place, ...wayText(origin), ...includeText(origin)];
    return oneLine(parts.join(', '), { color: false });
  };
}

/** The shape of the merged file, with the origin of each value in the value's place. */
export function originTree(compiled: Compiled, { sources }: Located): unknown {
  const locate = locator(sources);
  const visit = (node: Node, top: string | undefined): unknown => {
    if (node.kind === 'map' && node.entries.size > 0) {
      // Without a prototype, so that a key may have any name.
      const tree: Record<string, unknown> = Object.create(null);
      for (const { key, value } of node.entries.values()) tree[key] = visit(value, top ?? key);
      return tree;
    }
    if (node.kind === 'seq' && node.items.length > 0) return node.items.map((item) => visit(item, top));
    const { includedBy, from } = compiled.originOf(top ?? '', node.span);
    const start = locate(node.span)?.start;
    return {
      file: node.span.file,
      ...(start === undefined ? {} : { line: start.line, column: start.column }),
      ...(from === undefined ? {} : { from }),
      ...(includedBy === undefined ? {} : { includedBy }),
    };
  };
  return visit(compiled.config, undefined);
}

function wayText({ from }: Origin): readonly string[] {
  switch (from?.kind) {
    case undefined:
      return [];
    case 'extends':
      return [`extends ${from.parents.join(' → ')}`];
    case 'default':
      return ['default'];
    case 'shared':
      return [`of ${from.entry}`];
  }
}

function includeText({ includedBy }: Origin): readonly string[] {
  return includedBy === undefined ? [] : [`included by ${[...includedBy].reverse().join(', which is included by ')}`];
}
