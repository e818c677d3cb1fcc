import { makes, refused, row, takes } from './one-job.ts';
import type { Row } from './row-cases.ts';

const restores = (...keys: readonly object[]) => ({ kind: 'restore-cache', keys });
const text = (value: string) => ({ kind: 'text', text: value });

/** Files that jobs keep for the next pipeline. */
export const rows: readonly Row[] = [
  row(
    'job/cache',
    [
      makes('cache: { paths: [vendor] }', [restores(text('default')), { kind: 'run' }, { kind: 'save-cache' }]),
      makes('cache: [{ key: a, paths: [x] }, { key: b, paths: [y] }]', [restores(text('a')), restores(text('b'))]),
      takes('cache: []'),
    ],
    [
      refused(
        `cache: [${Array.from({ length: 5 }, (_, n) => `{ key: k${n}, paths: [x] }`).join(', ')}]`,
        'schema/too-many',
      ),
      refused('cache: vendor', 'schema/wrong-type'),
    ],
  ),
  row(
    'job/cache:key',
    [
      makes('cache: { key: $CI_COMMIT_REF_SLUG, paths: [x] }', [restores(text('$CI_COMMIT_REF_SLUG'))]),
      makes('cache: { key: "a.b", paths: [x] }', [restores(text('a.b'))]),
    ],
    [
      refused('cache: { key: a/b, paths: [x] }', 'schema/pattern'),
      refused('cache: { key: "..", paths: [x] }', 'schema/pattern'),
      refused('cache: { key: { prefix: a }, paths: [x] }', 'schema/missing-key'),
    ],
  ),
  row(
    'job/cache:key:files',
    makes('cache: { key: { files: [a.lock, "**/b.lock"] }, paths: [x] }', [
      restores({ kind: 'files', files: ['a.lock', '**/b.lock'] }),
    ]),
    [
      refused('cache: { key: { files: [] }, paths: [x] }', 'schema/empty'),
      refused(`cache: { key: { files: [${'abcdefghijk'.split('').join(', ')}] }, paths: [x] }`, 'schema/too-many'),
      refused('cache: { key: { files: a.lock }, paths: [x] }', 'schema/wrong-type'),
    ],
  ),
  row(
    'job/cache:key:files_commits',
    makes('cache: { key: { files_commits: [go.sum, go.mod] }, paths: [x] }', [
      restores({ kind: 'commits', files: ['go.sum', 'go.mod'] }),
    ]),
    [
      refused('cache: { key: { files_commits: [a, b, c] }, paths: [x] }', 'schema/too-many'),
      refused('cache: { key: { files: [a], files_commits: [b] }, paths: [x] }', 'schema/not-together'),
    ],
  ),
  row(
    'job/cache:key:prefix',
    makes('cache: { key: { files: [a], prefix: $CI_JOB_NAME }, paths: [x] }', [
      restores({ kind: 'files', files: ['a'], prefix: '$CI_JOB_NAME' }),
    ]),
    refused('cache: { key: { files: [a], prefix: [b] }, paths: [x] }', 'schema/wrong-type'),
  ),
  row(
    'job/cache:paths',
    makes('cache: { paths: [vendor/, "**/cache"] }', [{ kind: 'save-cache', paths: ['vendor/', '**/cache'] }]),
    refused('cache: { paths: vendor }', 'schema/wrong-type'),
  ),
  row(
    'job/cache:untracked',
    makes('cache: { untracked: true }', [{ kind: 'save-cache', untracked: true }]),
    refused('cache: { untracked: everything }', 'schema/wrong-type'),
  ),
  row(
    'job/cache:policy',
    [
      makes('cache: { paths: [x], policy: $POLICY }', [{ kind: 'restore-cache', policy: '$POLICY' }]),
      {
        ...takes('cache: [{ key: a, paths: [x], policy: pull }, { key: b, paths: [x], policy: push }]'),
        check: ({ job }) => {
          const { steps } = job('a') as { readonly steps: readonly { readonly kind: string }[] };
          const kinds = steps.map(({ kind }) => kind).filter((kind) => kind.endsWith('cache'));
          if (kinds.join() !== 'restore-cache,save-cache') throw new Error(kinds.join());
        },
      },
    ],
    refused('cache: { paths: [x], policy: sometimes }', 'schema/pattern'),
  ),
  row(
    'job/cache:when',
    ['on_success', 'on_failure', 'always'].map((when) =>
      makes(`cache: { paths: [x], when: ${when} }`, [{ kind: 'save-cache', when }]),
    ),
    refused('cache: { paths: [x], when: never }', 'schema/not-allowed-value'),
  ),
  row(
    'job/cache:fallback_keys',
    makes('cache: { key: a, paths: [x], fallback_keys: [b, $C] }', [restores(text('a'), text('b'), text('$C'))]),
    [
      refused('cache: { paths: [x], fallback_keys: [a, b, c, d, e, f] }', 'schema/too-many'),
      refused('cache: { paths: [x], fallback_keys: [a/b] }', 'schema/pattern'),
    ],
  ),
  row(
    'job/cache:unprotect',
    takes('cache: { paths: [x], unprotect: true }'),
    refused('cache: { paths: [x], unprotect: main }', 'schema/wrong-type'),
  ),
];
