import type { Expression } from '../../../expressions/expression.ts';
import { suggester } from '../../../util/nearest.ts';
import type { Reading } from '../reading.ts';
import { type InputSpec, tellSpec } from './input-spec.ts';

/**
 * Rules of inputs may only ask for inputs that there are, and not in a circle.
 * Source: lib/gitlab/ci/config/header/inputs/validator.rb
 */
export function checkInputRules(specs: readonly InputSpec[], reading: Reading): void {
  const names = new Set(specs.map(({ name }) => name));
  const suggest = suggester(() => names);
  const asks = new Map<string, readonly string[]>();
  for (const { name, rules = [] } of specs) {
    const asked = new Set<string>();
    for (const { condition, span } of rules) {
      const seen = namesIn(condition);
      for (const input of seen.inputs) {
        asked.add(input);
        if (!names.has(input)) {
          tellSpec(
            reading,
            span,
            `a rule of the input \`${name}\` asks for \`${input}\`, which is no input`,
            suggest(input),
          );
        }
      }
      const [variable] = seen.variables;
      if (variable === undefined) continue;
      const message = `\`$${variable}\` is always null here: rules of inputs know no variables`;
      reading.report({ code: 'gitlab/input-spec', severity: 'warning', message, span });
    }
    asks.set(name, [...asked]);
  }
  tellCircle(specs, asks, reading);
}

function namesIn(expression: Expression | undefined): {
  readonly inputs: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
} {
  const inputs = new Set<string>();
  const variables = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.kind === 'input') inputs.add(node.name);
    else if (node.kind === 'variable') variables.add(node.name);
    else if (node.kind === 'comparison' || node.kind === 'logical') {
      visit(node.left);
      visit(node.right);
    }
  };
  if (expression) visit(expression);
  return { inputs, variables };
}

/** Takes away inputs that ask for none that is left, until only those in circles and those that lead there remain. */
function tellCircle(specs: readonly InputSpec[], asks: ReadonlyMap<string, readonly string[]>, reading: Reading): void {
  const askedBy = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [name, asked] of asks) {
    const known = asked.filter((input) => asks.has(input));
    open.set(name, known.length);
    for (const input of known) {
      const askers = askedBy.get(input);
      if (askers) askers.push(name);
      else askedBy.set(input, [name]);
    }
  }
  const free = [...open].flatMap(([name, count]) => (count === 0 ? [name] : []));
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    open.delete(name);
    for (const asker of askedBy.get(name) ?? []) {
      const left = open.get(asker)! - 1;
      open.set(asker, left);
      if (left === 0) free.push(asker);
    }
  }
  const first = specs.find(({ name }) => open.has(name));
  if (first)
    tellSpec(
      reading,
      first.keySpan,
      `rules of inputs ask for each other in a circle: ${[...open.keys()].map((name) => `\`${name}\``).join(', ')}`,
    );
}
