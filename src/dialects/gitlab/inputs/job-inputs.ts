import type { MapEntry, MapNode, Node } from '../../../syntax/node.ts';
import { toValue } from '../../../syntax/node.ts';
import { didYouMean } from '../../../util/nearest.ts';
import { take } from '../keyword.ts';
import { inputs } from '../keywords/inputs.ts';
import type { Reading } from '../reading.ts';
import { resolveInputs } from './resolve-inputs.ts';

/** The only keywords that may hold blocks. Source: https://docs.gitlab.com/ci/jobs/job_inputs/ */
const fillable = ['script', 'before_script', 'after_script', 'artifacts', 'cache', 'image', 'services'] as const;

/** `${{ … }}`; a backslash before it leaves it as it is. */
const block = /(\\?)\$\{\{([^{}]*)\}\}/g;

/**
 * A job with the defaults of its inputs in the place of `${{ job.inputs.NAME }}`. A job without inputs stays as it is,
 * whatever its scripts hold.
 * @param name of the job.
 */
export function fillJobInputs(name: string, job: MapNode, reading: Reading): MapNode {
  const specs = take(job, inputs, reading);
  if (specs === undefined) return job;
  const values = resolveInputs(specs, new Map(), { report: reading.report, path: name });
  if (values === undefined) return job;
  const entries = new Map(job.entries);
  for (const key of fillable) {
    const entry = entries.get(key);
    if (entry) entries.set(key, { ...entry, value: fill(entry.value, values, reading) });
  }
  return { ...job, entries };
}

function fill(node: Node, values: ReadonlyMap<string, Node>, reading: Reading): Node {
  switch (node.kind) {
    case 'reference':
      return node;
    case 'seq': {
      const items = node.items.map((item) => fill(item, values, reading));
      return items.every((item, index) => item === node.items[index]) ? node : { ...node, items };
    }
    case 'map': {
      const filled = [...node.entries].map(([key, entry]): [string, MapEntry] => {
        const value = fill(entry.value, values, reading);
        return [key, value === entry.value ? entry : { ...entry, value }];
      });
      return filled.every(([key, entry]) => entry === node.entries.get(key))
        ? node
        : { ...node, entries: new Map(filled) };
    }
    case 'scalar': {
      if (typeof node.value !== 'string' || !node.value.includes('${{')) return node;
      const text = node.value.replace(block, (written: string, backslash: string, inside: string) =>
        backslash === '' ? (valueText(node, written, inside, values, reading) ?? written) : written.slice(1),
      );
      return { ...node, value: text, text };
    }
  }
}

function valueText(
  { span }: Node,
  written: string,
  inside: string,
  values: ReadonlyMap<string, Node>,
  reading: Reading,
): string | undefined {
  const name = /^job\.inputs\.([\w/-]+)$/.exec(inside.trim())?.[1];
  if (name === undefined) {
    const message = `\`${written}\` stays as it is: only \`\${{ job.inputs.NAME }}\` is filled in`;
    reading.report({ code: 'gitlab/job-input', severity: 'warning', message, span });
    return undefined;
  }
  const value = values.get(name);
  if (value === undefined) {
    const hint = didYouMean(name, values.keys());
    const message = `the job has no input \`${name}\``;
    reading.report({ code: 'gitlab/job-input', severity: 'error', message, span, ...(hint ? { hint } : {}) });
    return undefined;
  }
  return value.kind === 'scalar' ? value.text : JSON.stringify(toValue(value));
}
