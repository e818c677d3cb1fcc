import { makes, oneJob, refused, row, takes } from './one-job.ts';
import type { Passing, Row } from './row-cases.ts';

const release = (more = ''): string =>
  `release: { tag_name: v$V, description: notes.md${more === '' ? '' : `, ${more}`} }`;
const released = (step: object) => [{ kind: 'run' }, { kind: 'release', tagName: 'v$V', ...step }];
const links = (text: string): string => release(`assets: { links: [${text}] }`);
const environment = (more: string): string => `environment: { name: live, ${more} }`;
const notRun: Partial<Passing> = { warns: ['gitlab/not-run-yet'] };
const store = (id: string, text: string, wrong: string) =>
  row(
    `job/secrets:${id}` as Row['row'],
    takes(`secrets: { PASSWORD: { ${id}: ${text} } }`, { secrets: [{ name: 'PASSWORD', store: id, file: true }] }),
    refused(`secrets: { PASSWORD: { ${id}: ${wrong} } }`, 'schema/wrong-type'),
  );

/** Environments, releases, sites, secrets, tokens. */
export const rows: readonly Row[] = [
  row(
    'job/environment',
    [takes('environment: live', { environment: { name: 'live', action: 'start' } })],
    [
      refused('environment: [live]', 'schema/wrong-type'),
      refused('environment: { url: https://x }', 'schema/missing-key'),
    ],
  ),
  row(
    'job/environment:name',
    takes('environment: { name: review/$CI_COMMIT_REF_SLUG }', { environment: { name: 'review/$CI_COMMIT_REF_SLUG' } }),
    [
      refused('environment: { name: "no:colon" }', 'gitlab/invalid-value'),
      refused('environment: /live', 'gitlab/invalid-value'),
    ],
  ),
  row('job/environment:url', takes(environment('url: https://$HOST'), { environment: { url: 'https://$HOST' } }), [
    refused(environment(`url: https://${'x'.repeat(260)}`), 'gitlab/invalid-value'),
    refused(environment('url: [https://x]'), 'schema/wrong-type'),
  ]),
  row(
    'job/environment:on_stop',
    {
      text: `${oneJob(environment('on_stop: b'))}b: { script: [make], when: manual, environment: { name: live, action: stop } }\n`,
      jobs: { a: { environment: { onStop: { value: 'b' } } } },
    },
    [
      refused(environment('on_stop: b'), 'gitlab/on-stop'),
      {
        text: `${oneJob(environment('on_stop: b'))}b: { script: [make], environment: live }\n`,
        code: 'gitlab/on-stop',
        line: 3,
      },
    ],
  ),
  row(
    'job/environment:action',
    ['start', 'prepare', 'stop', 'verify', 'access'].map((action) =>
      takes(environment(`action: ${action}`), { environment: { action } }),
    ),
    refused(environment('action: destroy'), 'schema/not-allowed-value'),
  ),
  row(
    'job/environment:auto_stop_in',
    ['1 week', 'never', '$TIME'].map((time) =>
      takes(environment(`auto_stop_in: ${time}`), { environment: { autoStopIn: time } }),
    ),
    refused(environment('auto_stop_in: some day'), 'gitlab/duration'),
  ),
  row(
    'job/environment:deployment_tier',
    ['production', 'staging', 'testing', 'development', 'other', '$TIER'].map((tier) =>
      takes(environment(`deployment_tier: ${tier}`), { environment: { tier } }),
    ),
    refused(environment('deployment_tier: live'), 'schema/pattern'),
  ),
  row(
    'job/environment:kubernetes',
    takes(environment('kubernetes: { namespace: n, agent: "a:b" }'), {}, notRun),
    refused(environment('kubernetes: { names: n }'), 'schema/unknown-key'),
  ),

  row('job/release', makes(release(), released({ description: 'notes.md', milestones: [], links: [] })), [
    refused('release: { tag_name: v1 }', 'schema/missing-key'),
    refused('release: v1', 'schema/wrong-type'),
  ]),
  row('job/release:tag_name', makes(release(), released({})), [
    refused('release: { description: x }', 'schema/missing-key'),
    refused('release: { tag_name: "", description: x }', 'schema/empty'),
  ]),
  row(
    'job/release:tag_message',
    makes(release('tag_message: m $V'), released({ tagMessage: 'm $V' })),
    refused(release('tag_message: [m]'), 'schema/wrong-type'),
  ),
  row(
    'job/release:name',
    makes(release('name: n $V'), released({ name: 'n $V' })),
    refused(release('name: { a: b }'), 'schema/wrong-type'),
  ),
  row(
    'job/release:description',
    makes(release(), released({ description: 'notes.md' })),
    refused('release: { tag_name: v1, description: "" }', 'schema/empty'),
  ),
  row(
    'job/release:ref',
    makes(release('ref: $CI_COMMIT_SHA'), released({ ref: '$CI_COMMIT_SHA' })),
    refused(release('ref: "a b"'), 'gitlab/invalid-value'),
  ),
  row(
    'job/release:milestones',
    [
      makes(release('milestones: [a, $B]'), released({ milestones: ['a', '$B'] })),
      makes(release('milestones: a'), released({ milestones: ['a'] })),
    ],
    refused(release('milestones: { a: b }'), 'schema/wrong-type'),
  ),
  row(
    'job/release:released_at',
    makes(release('released_at: "2026-03-15T08:00:00Z"'), released({ releasedAt: '2026-03-15T08:00:00Z' })),
    [
      refused(release('released_at: tomorrow'), 'gitlab/invalid-value'),
      refused(release('released_at: $DATE'), 'gitlab/invalid-value'),
    ],
  ),
  row(
    'job/release:assets:links',
    makes(
      links('{ name: zip, url: $BASE/a.zip, filepath: /a.zip, link_type: package }'),
      released({ links: [{ name: 'zip', url: '$BASE/a.zip', filepath: '/a.zip', linkType: 'package' }] }),
    ),
    [
      refused(links('{ name: zip }'), 'schema/missing-key'),
      refused(links('{ name: zip, url: a.zip }'), 'gitlab/invalid-value'),
      refused(links('{ name: zip, url: https://x, link_type: zip }'), 'schema/not-allowed-value'),
      refused(release('assets: { links: [] }'), 'schema/empty'),
    ],
  ),

  row(
    'job/pages',
    [
      makes('pages: true', [
        { kind: 'upload-artifacts', type: 'archive', paths: ['public'] },
        { kind: 'publish-pages', publish: 'public' },
      ]),
      {
        text: 'pages: { script: [make], artifacts: { paths: [public/] } }\n',
        check: ({ job }) => void stepsOf(job('pages'), ['public/']),
      },
      { text: 'pages: { script: [make], pages: false }\n', check: ({ job }) => void stepsOf(job('pages'), undefined) },
    ],
    refused('pages: public', 'schema/wrong-type'),
  ),
  row(
    'job/pages:publish',
    makes('pages: { publish: dist }', [
      { type: 'archive', paths: ['dist'] },
      { kind: 'publish-pages', publish: 'dist' },
    ]),
    refused('pages: { publish: [dist] }', 'schema/wrong-type'),
  ),
  row(
    'job/pages:path_prefix',
    makes('pages: { path_prefix: mr-$N }', [{ kind: 'publish-pages', pathPrefix: 'mr-$N' }]),
    refused('pages: { path_prefix: 1 }', 'schema/wrong-type'),
  ),
  row(
    'job/pages:expire_in',
    makes('pages: { expire_in: 1 day }', [{ kind: 'publish-pages', expireInMs: 86_400_000 }]),
    refused('pages: { expire_in: soon }', 'gitlab/duration'),
  ),
  row(
    'job/publish',
    makes('pages: true\n  publish: dist', [
      { type: 'archive', paths: ['dist'] },
      { kind: 'publish-pages', publish: 'dist' },
    ]),
    refused('publish: dist', 'gitlab/invalid-value'),
  ),

  row(
    'job/secrets',
    takes('secrets: { A: { vault: a/b }, B: { akeyless: { name: n } } }', {
      secrets: [
        { name: 'A', store: 'vault' },
        { name: 'B', store: 'akeyless' },
      ],
    }),
    [refused('secrets: { A: { file: true } }', 'schema/missing-key'), refused('secrets: [A]', 'schema/wrong-type')],
  ),
  store('vault', 'ops/password@kv', '[a]'),
  store('azure_key_vault', '{ name: n, version: v }', 'n'),
  store('gcp_secret_manager', '{ name: n, version: 2 }, token: $T', 'n, token: $T'),
  store('aws_secrets_manager', '{ secret_id: n, field: f }', '[n]'),
  store('akeyless', '{ name: n }', 'n'),
  store('gitlab_secrets_manager', '{ name: n }', 'n'),
  row('job/secrets:token', takes('secrets: { A: { vault: a/b, token: $T } }'), [
    refused('secrets: { A: { vault: a/b, token: [$T] } }', 'schema/wrong-type'),
    refused('secrets: { A: { gcp_secret_manager: { name: n } } }', 'schema/missing-key'),
    refused('secrets: { A: { vault: a/b, akeyless: { name: n } } }', 'schema/not-together'),
  ]),
  row(
    'job/secrets:file',
    takes('secrets: { A: { vault: a/b, file: false } }', { secrets: [{ file: false }] }),
    refused('secrets: { A: { vault: a/b, file: never } }', 'schema/wrong-type'),
  ),
  row(
    'job/id_tokens',
    takes('id_tokens: { T: { aud: a } }', { idTokens: [{ name: 'T', audience: ['a'], form: 'text' }] }),
    refused('id_tokens: [T]', 'schema/wrong-type'),
  ),
  row(
    'job/id_tokens:aud',
    takes('id_tokens: { T: { aud: [a, $B] } }', { idTokens: [{ audience: ['a', '$B'], form: 'list' }] }),
    [refused('id_tokens: { T: {} }', 'schema/missing-key'), refused('id_tokens: { T: { aud: [] } }', 'schema/empty')],
  ),
  row(
    'job/identity',
    takes('identity: google_cloud', {}, notRun),
    refused('identity: aws', 'schema/not-allowed-value'),
  ),
];

/** The archive has these paths and the job publishes; undefined: neither. */
function stepsOf(job: { readonly kind: string }, paths: readonly string[] | undefined): void {
  const steps = (job as unknown as { readonly steps: readonly { readonly kind: string; readonly paths?: unknown }[] })
    .steps;
  const archive = steps.find(({ kind }) => kind === 'upload-artifacts');
  const publishes = steps.some(({ kind }) => kind === 'publish-pages');
  if (JSON.stringify(archive?.paths) !== JSON.stringify(paths)) throw new Error(JSON.stringify(steps));
  if (publishes !== (paths !== undefined)) throw new Error(JSON.stringify(steps));
}
