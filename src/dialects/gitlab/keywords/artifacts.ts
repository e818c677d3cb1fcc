import type { StepWhen, UploadArtifactsStep } from '../../../model/step.ts';
import type { MapEntry, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { isAbsent } from '../merge.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { ignored, runs } from '../support.ts';
import { booleanField, field, kindOf, readDuration, readTexts, textField, textsField, wordField } from '../values.ts';
import { stepWhens } from './cache.ts';

const reportKinds = [
  'accessibility',
  'annotations',
  'browser_performance',
  'codequality',
  'coverage_report',
  'cyclonedx',
  'dast',
  'dotenv',
  'junit',
  'load_performance',
  'lsif',
  'metrics',
  'requirements',
  'sarif',
  'sast',
  'terraform',
] as const;

/** Files that the job leaves: one upload step for the archive, one for each report. */
export const artifacts: Keyword<readonly UploadArtifactsStep[]> = {
  name: 'artifacts',
  scopes: ['job', 'default'],
  parts: {
    ...runs('paths', 'exclude', 'untracked', 'when', 'expire_in', 'name', 'reports'),
    ...runs(...reportKinds.map((kind) => `reports:${kind}`)),
    expose_as: ignored('there is no merge request to link the files from'),
    access: ignored('everybody who can read the run folder can read the files'),
    public: ignored('everybody who can read the run folder can read the files'),
  },
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`artifacts\` must be a map, not ${kindOf(node)}`);
      return undefined;
    }
    const name = textField(node, 'name', 'artifacts:name', reading);
    const expireInMs = readExpiry(node, 'artifacts:expire_in', reading);
    const common = {
      kind: 'upload-artifacts' as const,
      phase: 'finish' as const,
      ...(name === undefined ? {} : { name }),
      ...(expireInMs === undefined ? {} : { expireInMs }),
    };
    return [...readArchive(node, common, reading), ...readReports(node, common, reading)];
  },
};

type Common = Pick<UploadArtifactsStep, 'kind' | 'phase' | 'name' | 'expireInMs'>;

function readArchive(node: Node, common: Common, reading: Reading): readonly UploadArtifactsStep[] {
  const paths = textsField(node, 'paths', 'artifacts:paths', reading) ?? [];
  const untracked = booleanField(node, 'untracked', 'artifacts:untracked', reading) ?? false;
  const exclude = textsField(node, 'exclude', 'artifacts:exclude', reading) ?? [];
  const when: StepWhen = wordField(node, 'when', 'artifacts:when', stepWhens, reading) ?? 'on_success';
  return paths.length === 0 && !untracked ? [] : [{ ...common, type: 'archive', when, paths, exclude, untracked }];
}

/** Reports are uploaded whatever became of the job. Source: https://docs.gitlab.com/ci/yaml/#artifactsreports */
function readReports(node: Node, common: Common, reading: Reading): readonly UploadArtifactsStep[] {
  const reports = field(node, 'reports');
  if (reports === undefined) return [];
  if (reports.value.kind !== 'map') {
    invalidValue(reading, reports.value.span, `\`artifacts:reports\` must be a map, not ${kindOf(reports.value)}`);
    return [];
  }
  return [...reports.value.entries.values()].flatMap((report) => {
    const paths = readReportPaths(report, reading);
    if (paths.length === 0) return [];
    return [{ ...common, type: report.key, when: 'always', paths, exclude: [], untracked: false }];
  });
}

/** Paths stand as a text, a list, or (`coverage_report`) under `path`. */
function readReportPaths(report: MapEntry, reading: Reading): readonly string[] {
  const what = `artifacts:reports:${report.key}`;
  if (report.value.kind === 'map') return textsField(report.value, 'path', `${what}:path`, reading) ?? [];
  return isAbsent(report.value) ? [] : readTexts(report.value, what, reading);
}

/** `expire_in` of a map. Undefined: kept for ever, or as long as the user's configuration says. */
export function readExpiry(node: Node, what: string, reading: Reading): number | undefined {
  const entry = field(node, 'expire_in');
  if (entry === undefined) return undefined;
  const { value } = entry;
  if (value.kind === 'scalar' && value.text.trim().toLowerCase() === 'never') return undefined;
  return readDuration(value, what, reading);
}
