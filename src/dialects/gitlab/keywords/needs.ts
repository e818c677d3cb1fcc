import type { ForeignNeed, Need } from '../../../model/pipeline.ts';
import type { MapNode, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs, simulated } from '../support.ts';
import { booleanField, field, flatItems, kindOf, readText, textField } from '../values.ts';
import { checkMatrixSize, readMatrixEntries } from './parallel.ts';

/** GitLab's default limit. Source: https://docs.gitlab.com/ci/yaml/#needs */
const mostNeeds = 50;

/** What a job waits for: names, or maps with `job`. What it gets from other pipelines: `readForeignNeeds`. */
export const needs: Keyword<readonly Need[]> = {
  name: 'needs',
  scopes: ['job'],
  parts: {
    ...runs('job', 'artifacts', 'optional', 'parallel:matrix'),
    project: simulated('the artifacts are those of the newest local run in the folder that `--project` names'),
    ref: simulated('the newest local run of that branch or tag'),
    pipeline: simulated('pipelines of the same run; for another project the result of its newest local run'),
  },
  read: (entry, reading) => {
    const read = readNeeds(entry.value, reading);
    if (read.length > mostNeeds) {
      reading.report({
        code: 'gitlab/too-many-needs',
        severity: 'error',
        message: `a job may have at most ${mostNeeds} needs, this one has ${read.length}`,
        span: entry.keySpan,
      });
    }
    return read;
  },
};

/** The needs of a job or of a rule. */
export function readNeeds(node: Node, reading: Reading): readonly Need[] {
  return flatItems(node, 'needs', reading).flatMap((item) => readNeed(item, reading) ?? []);
}

function readNeed(node: Node, reading: Reading): Need | undefined {
  if (node.kind === 'scalar' && node.value !== null) {
    return { job: node.text, span: node.span, artifacts: true, optional: false };
  }
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `an entry of \`needs\` must be a name or a map, not ${kindOf(node)}`);
    return undefined;
  }
  return readDetailed(node, reading);
}

function readDetailed(node: MapNode, reading: Reading): Need | undefined {
  if (field(node, 'project') || field(node, 'pipeline')) return undefined;
  const jobEntry = field(node, 'job');
  const job = jobEntry && readText(jobEntry.value, 'needs:job', reading);
  if (jobEntry === undefined || job === undefined) {
    if (jobEntry === undefined) invalidValue(reading, node.span, 'an entry of `needs` has no `job`');
    return undefined;
  }
  const parallel = field(node, 'parallel');
  const matrix = parallel && field(parallel.value, 'matrix');
  return {
    job,
    span: jobEntry.value.span,
    artifacts: booleanField(node, 'artifacts', 'needs:artifacts', reading) ?? true,
    optional: booleanField(node, 'optional', 'needs:optional', reading) ?? false,
    ...(matrix ? { matrix: legsOf(matrix.value, reading) } : {}),
  };
}

/** Jobs of other pipelines whose artifacts a job with a script gets. */
export function readForeignNeeds(node: Node, reading: Reading): readonly ForeignNeed[] {
  return flatItems(node, 'needs', reading).flatMap((item): readonly ForeignNeed[] => {
    const project = textField(item, 'project', 'needs:project', reading);
    const pipeline = textField(item, 'pipeline', 'needs:pipeline', reading);
    const job = textField(item, 'job', 'needs:job', reading);
    if (project === undefined && pipeline === undefined) return [];
    if (job === undefined) {
      const hint = 'name the `job` whose artifacts are wanted';
      invalidValue(reading, item.span, '`needs:pipeline` without `job` is for jobs without a script', hint);
      return [];
    }
    if (booleanField(item, 'artifacts', 'needs:artifacts', reading) === false) return [];
    if (project === undefined) return [{ kind: 'pipeline', pipeline: pipeline!, job, span: item.span }];
    const ref = textField(item, 'ref', 'needs:ref', reading) ?? '';
    return [{ kind: 'project', project, ref, job, span: item.span }];
  });
}

/** Every combination of the entries' values, as the maps that the needed legs must contain. */
function legsOf(node: Node, reading: Reading): readonly Readonly<Record<string, string>>[] {
  const entries = readMatrixEntries(node, 'needs:parallel:matrix', reading);
  if (!checkMatrixSize(node, entries, reading)) return [];
  return entries.flatMap((axes) =>
    axes.reduce<readonly Readonly<Record<string, string>>[]>(
      (legs, { name, values }) => legs.flatMap((leg) => values.map((value) => ({ ...leg, [name]: value }))),
      [{}],
    ),
  );
}
