import type { Report, Span } from '../../../diagnostics/diagnostic.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Header } from '../keywords/spec.ts';
import { startReading } from '../reading.ts';
import { field, kindOf } from '../values.ts';
import { checkInputRules } from './check-input-rules.ts';
import { type InputSpec, readInputSpecs } from './input-spec.ts';

/** A file that `spec:include` names. */
export interface HeaderFile {
  /** As messages name it. */
  readonly path: string;
  readonly node: Node;
  readonly includedAt: Span;
}

/**
 * The inputs of the files of `spec:include`, in order, and then those of the header itself. Such a file holds `inputs`
 * and nothing else; no input may be declared twice.
 * Source: https://docs.gitlab.com/ci/inputs/#use-inputs-from-external-files
 */
export function mergeHeaderInputs(header: Header, files: readonly HeaderFile[], report: Report): readonly InputSpec[] {
  const specs = new Map<string, InputSpec>();
  for (const spec of [...files.flatMap((file) => readHeaderFile(file, report)), ...header.inputs]) {
    const first = specs.get(spec.name);
    if (first === undefined) specs.set(spec.name, spec);
    else {
      report({
        code: 'gitlab/input-duplicate',
        severity: 'error',
        message: `the input \`${spec.name}\` is declared twice`,
        span: spec.keySpan,
        related: [{ message: 'it is declared here too', span: first.keySpan }],
      });
    }
  }
  const merged = [...specs.values()];
  checkInputRules(merged, startReading(report, { incomplete: false }));
  return merged;
}

function readHeaderFile({ path, node, includedAt }: HeaderFile, report: Report): readonly InputSpec[] {
  const reading = startReading(report, { incomplete: false });
  if (node.kind !== 'map') {
    const message = `\`${path}\` must hold a map with \`inputs\`, not ${kindOf(node)}`;
    report({ code: 'gitlab/header', severity: 'error', message, span: includedAt });
    return [];
  }
  for (const { key, keySpan } of node.entries.values()) {
    if (key === 'inputs') continue;
    const message = `\`${key}\` stands in a file of \`spec:include\`, which may hold \`inputs\` only`;
    const related = [{ message: 'the file is included here', span: includedAt }];
    report({ code: 'gitlab/header', severity: 'error', message, span: keySpan, related });
  }
  const inputs = field(node, 'inputs');
  return inputs ? readInputSpecs(inputs.value, 'spec', reading) : [];
}
