import { makes, refused, row, takes } from './one-job.ts';
import type { Row } from './row-cases.ts';

const archive = { kind: 'upload-artifacts', type: 'archive' };
const report = (kind: string) =>
  row(
    `job/artifacts:reports:${kind}` as Row['row'],
    [
      makes(`artifacts: { reports: { ${kind}: out.x } }`, [
        { kind: 'upload-artifacts', type: kind, when: 'always', paths: ['out.x'] },
      ]),
      makes(`artifacts: { reports: { ${kind}: [a.x, b-*.x] } }`, [{ type: kind, paths: ['a.x', 'b-*.x'] }]),
    ],
    refused(`artifacts: { reports: { ${kind}: { path: out.x } } }`, 'schema/wrong-type'),
  );

const kinds =
  'junit dotenv sast dast codequality cyclonedx sarif terraform metrics lsif requirements annotations browser_performance load_performance accessibility';

/** Files that jobs leave and keep: `artifacts` and `cache`. */
export const rows: readonly Row[] = [
  row(
    'job/artifacts',
    [
      makes('artifacts: { paths: [out] }', [{ kind: 'run' }, { ...archive, when: 'on_success', paths: ['out'] }]),
      takes('artifacts: {}'),
    ],
    [refused('artifacts: out', 'schema/wrong-type'), refused('artifacts: { path: [out] }', 'schema/unknown-key')],
  ),
  row(
    'job/artifacts:paths',
    makes('artifacts: { paths: [out/, "*.log", $DIR/x] }', [{ ...archive, paths: ['out/', '*.log', '$DIR/x'] }]),
    refused('artifacts: { paths: out }', 'schema/wrong-type'),
  ),
  row(
    'job/artifacts:exclude',
    makes('artifacts: { paths: [out], exclude: ["out/**/*.o"] }', [{ ...archive, exclude: ['out/**/*.o'] }]),
    refused('artifacts: { paths: [out], exclude: { a: b } }', 'schema/wrong-type'),
  ),
  row(
    'job/artifacts:untracked',
    makes('artifacts: { untracked: true }', [{ ...archive, untracked: true, paths: [] }]),
    refused('artifacts: { untracked: everything }', 'schema/wrong-type'),
  ),
  row(
    'job/artifacts:when',
    ['on_success', 'on_failure', 'always'].map((when) =>
      makes(`artifacts: { paths: [out], when: ${when}, reports: { junit: x } }`, [
        { ...archive, when },
        { type: 'junit', when: 'always' },
      ]),
    ),
    refused('artifacts: { paths: [out], when: never }', 'schema/not-allowed-value'),
  ),
  row(
    'job/artifacts:expire_in',
    [
      makes('artifacts: { paths: [out], expire_in: 1 week 2 days }', [{ ...archive, expireInMs: 9 * 86_400_000 }]),
      makes('artifacts: { paths: [out], expire_in: never }', [{ ...archive, expireInMs: undefined }]),
    ],
    refused('artifacts: { paths: [out], expire_in: some day }', 'gitlab/duration'),
  ),
  row(
    'job/artifacts:name',
    makes('artifacts: { paths: [out], name: $CI_JOB_NAME }', [{ ...archive, name: '$CI_JOB_NAME' }]),
    refused('artifacts: { paths: [out], name: [a] }', 'schema/wrong-type'),
  ),
  row(
    'job/artifacts:expose_as',
    takes('artifacts: { paths: [out], expose_as: The output }', {}, { warns: ['gitlab/not-run-yet'] }),
    [
      refused('artifacts: { expose_as: The output }', 'gitlab/invalid-value'),
      refused('artifacts: { paths: ["*.x"], expose_as: The output }', 'gitlab/invalid-value'),
      refused('artifacts: { paths: [x], expose_as: "it\'s" }', 'gitlab/invalid-value'),
    ],
  ),
  row(
    'job/artifacts:access',
    takes('artifacts: { paths: [out], access: developer }', {}, { warns: ['gitlab/not-run-yet'] }),
    [
      refused('artifacts: { paths: [out], access: some }', 'schema/not-allowed-value'),
      refused('artifacts: { paths: [out], access: all, public: true }', 'gitlab/invalid-value'),
    ],
  ),
  row(
    'job/artifacts:public',
    takes('artifacts: { paths: [out], public: false }', {}, { warns: ['gitlab/not-run-yet'] }),
    refused('artifacts: { paths: [out], public: some }', 'schema/wrong-type'),
  ),
  row(
    'job/artifacts:reports',
    makes('artifacts: { reports: { junit: [a.xml], dotenv: b.env } }', [{ type: 'junit' }, { type: 'dotenv' }]),
    [
      refused('artifacts: { reports: { junits: a.xml } }', 'schema/unknown-key'),
      refused('artifacts: { reports: [junit] }', 'schema/wrong-type'),
    ],
  ),
  ...kinds.split(' ').map(report),
  row(
    'job/artifacts:reports:coverage_report',
    makes('artifacts: { reports: { coverage_report: { coverage_format: cobertura, path: c.xml } } }', [
      { type: 'coverage_report', when: 'always', paths: ['c.xml'] },
    ]),
    [
      refused('artifacts: { reports: { coverage_report: { path: c.xml } } }', 'schema/missing-key'),
      refused(
        'artifacts: { reports: { coverage_report: { coverage_format: x, path: c } } }',
        'schema/not-allowed-value',
      ),
    ],
  ),
];
