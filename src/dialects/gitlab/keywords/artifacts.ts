import type { StepWhen, UploadArtifactsStep } from '../../../model/step.ts';
import type { MapEntry, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { isAbsent } from '../merge.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { ignored, runs, simulated } from '../support.ts';
import { booleanField, field, kindOf, readDuration, readTexts, textField, textsField, wordField } from '../values.ts';
import { stepWhens } from './cache.ts';

/** Kinds that no more is done with than to keep them. */
const keptReports = [
  'accessibility',
  'annotations',
  'browser_performance',
  'codequality',
  'coverage_report',
  'cyclonedx',
  'dast',
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
    ...runs('reports:junit', 'reports:dotenv'),
    ...Object.fromEntries(
      keptReports.map((kind) => [`reports:${kind}`, simulated('kept with the run, shown nowhere')]),
    ),
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
    checkExposure(node, reading);
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

/** Source: lib/gitlab/ci/config/entry/artifacts.rb */
function checkExposure(node: Node, reading: Reading): void {
  const [access, open] = [field(node, 'access'), field(node, 'public')];
  if (access && open) invalidValue(reading, open.keySpan, '`artifacts` may not have both `access` and `public`');
  const exposed = field(node, 'expose_as');
  if (exposed === undefined) return;
  const text = textField(node, 'expose_as', 'artifacts:expose_as', reading) ?? '';
  if (!/^\w[-\w ]*$/.test(text)) {
    const message =
      '`artifacts:expose_as` may hold letters, digits, spaces, `-` and `_`, and starts with none but the first two';
    invalidValue(reading, exposed.value.span, message);
  }
  const paths = field(node, 'paths');
  if (paths === undefined) {
    invalidValue(reading, exposed.keySpan, '`artifacts:expose_as` needs `paths`');
    return;
  }
  const wild = readTexts(paths.value, 'artifacts:paths', reading).find((path) => path.includes('*'));
  if (wild !== undefined) {
    invalidValue(reading, paths.value.span, `with \`expose_as\` a path may hold no \`*\`: \`${wild}\``);
  }
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
