import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { Node } from '../../../syntax/node.ts';
import { type AccessRoots, readAccess } from './access.ts';
import { applyFunction, type FunctionContext } from './functions.ts';
import { type BlockOutcome, given, refused } from './outcome.ts';

const maxFunctions = 3;

/** All that blocks of one file may look at. */
export interface InterpolationContext extends FunctionContext {
  readonly roots: AccessRoots;
}

/** `stays`: the block is not ours to fill in, as `$[[ matrix.X ]]`, which means something in `needs` only. */
export type BlockValue = { readonly kind: 'stays' } | { readonly kind: 'value'; readonly node: Node };

/**
 * What the inside of a block stands for: a path, then functions between pipes.
 * Source: lib/gitlab/ci/config/interpolation/block.rb
 * @param span the place that values made by functions get.
 */
export function evaluateBlock(data: string, context: InterpolationContext, span: Span): BlockOutcome<BlockValue> {
  const [path = '', ...functions] = data.split('|').map((part) => part.trim());
  if (path.split('.')[0] === 'matrix') return given({ kind: 'stays' });
  const found = readAccess(path, context.roots);
  if (!found.ok) return found;
  if (functions.length > maxFunctions) return refused(`a block takes at most ${maxFunctions} functions`);
  let node = found.value;
  for (const written of functions) {
    const next = applyFunction(written, node, context, span);
    if (!next.ok) return next;
    node = next.value;
  }
  return given({ kind: 'value', node });
}
