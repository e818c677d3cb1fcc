import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkContainers } from '../../../src/cli/runner/runner-file.ts';
import { canTakeJobs } from '../../../src/runner/config/known-executors.ts';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { countingFlags } from '../../../src/runner/config/read-feature-flags.ts';
import { type GitlabKey, gitlabKeys } from './gitlab-keys.ts';

type Table = Record<string, unknown>;

const s3 = { ServerAddress: 's3.example.com', AccessKey: 'a', SecretKey: 's', BucketName: 'b' };

/** A file with one runner that has all it needs, and perhaps one key more. */
function fileWith(given?: GitlabKey): Table {
  const service: Table = { name: 'redis' };
  const runner: Record<string, Table> = {
    feature_flags: { FF_USE_ADAPTIVE_REQUEST_CONCURRENCY: true },
    custom_build_dir: {},
    artifact: {},
    cache: { Type: given?.key === 'Type' ? 'gcs' : 's3', s3: { ...s3 } },
    ssh: {},
    docker: { image: 'ruby', services: [service] },
  };
  const tables: Record<string, Table> = {
    session_server: {},
    runners: { name: 'r', url: 'https://gitlab.example.com', token: 't', executor: 'docker', ...runner },
    'runners.docker.services': service,
    'runners.cache.s3': (runner['cache'] as { s3: Table }).s3,
    ...Object.fromEntries(Object.entries(runner).map(([name, table]) => [`runners.${name}`, table])),
  };
  const root: Table = { session_server: tables['session_server'], runners: [tables['runners']] };
  if (given !== undefined) (given.table === '' ? root : tables[given.table]!)[given.key] = given.value;
  return root;
}

const nameOf = ({ table, key }: GitlabKey): string => (table === '' ? key : `${table}.${key}`);
const read = (content: Table) => readConfig(content, {}, checkContainers);

/** What the page says of each table: its keys that count, and those that do nothing. */
function documented(): ReadonlyMap<string, { readonly counts: string; readonly told: string }> {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/runner.md', import.meta.url)), 'utf8');
  const section = page.split('\n## Which keys count\n')[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').flatMap((line) => {
    const cells = /^\| (.*?) \| (.*?) \| (.*?) \|$/.exec(line);
    const table = /^(?:`\[+(.*?)\]+`|at the top)$/.exec(cells?.[1] ?? '');
    return table === null ? [] : [[table[1] ?? '', { counts: cells![2]!, told: cells![3]! }] as const];
  });
  return new Map(rows);
}

describe("GitLab Runner's keys", () => {
  it('finds nothing to say of the file they are put into', () => {
    expect(read(fileWith()).problems).toEqual([]);
  });

  it.each(gitlabKeys.map((key) => [nameOf(key), key] as const))('%s counts, or is told of once by name', (_, key) => {
    const { config, problems } = read(fileWith(key));
    const told = problems.map(({ severity, path }) => `${severity} ${path.filter((part) => part !== 0).join('.')}`);
    if (key.fate === 'told') expect(told).toEqual([`warning ${nameOf(key)}`]);
    if (key.fate !== 'counts') return;
    expect(told).toEqual([]);
    const without = key.key === 'Type' ? { ...key, value: '' } : undefined;
    expect(config).not.toEqual(read(fileWith(without)).config);
  });

  it.each(gitlabKeys.map((key) => [nameOf(key), key] as const))('%s stands where the page has it', (_, key) => {
    const row = documented().get(key.table);
    const [there, not] = key.fate === 'told' ? [row?.told, row?.counts] : [row?.counts, row?.told];
    if (key.fate === 'either') return expect(`${row?.counts}${row?.told}`).toContain(`\`${key.key}\``);
    expect(there).toContain(`\`${key.key}\``);
    expect(not).not.toContain(`\`${key.key}\``);
  });

  it('flags that count are on the page', () => {
    const { counts = '' } = documented().get('runners.feature_flags') ?? {};
    expect(countingFlags.filter((flag) => !counts.includes(`\`${flag}\``))).toEqual([]);
  });

  it('says nothing of keys that GitLab Runner writes and that say nothing', () => {
    const zero = (value: unknown): unknown => {
      if (typeof value === 'boolean') return false;
      if (typeof value === 'number') return 0;
      if (typeof value === 'string') return value === '7m' ? '0s' : '';
      if (Array.isArray(value)) return [];
      return value instanceof Date ? new Date('0001-01-01T00:00:00Z') : {};
    };
    const needed = ['concurrent', 'runners.executor', 'runners.docker.services.name', 'runners.cache.s3.BucketName'];
    for (const key of gitlabKeys) {
      if (needed.includes(nameOf(key)) || nameOf(key).startsWith('runners.cache.')) continue;
      expect([nameOf(key), read(fileWith({ ...key, value: zero(key.value) })).problems]).toEqual([nameOf(key), []]);
    }
  });

  it.each(gitlabKeys.map((key) => [nameOf(key), key] as const))('%s of a wrong type is told, and no more', (_, key) => {
    for (const value of [[1], { x: { y: 1 } }, '\u0000', -7, 1e300, true]) {
      const { problems } = read(fileWith({ ...key, value }));
      expect(problems.length).toBeLessThan(3);
    }
  });
});

describe('a runner with an executor that is not here', () => {
  it.each([
    [
      'kubernetes',
      'kubernetes',
      /is "kubernetes", which is not supported; no jobs are asked for until it is one of docker, shell, ssh/,
    ],
    ['custom', 'custom', /is "custom", which is not supported/],
    ['docker+machine', 'machine', /no machines are made on demand here; no jobs are asked for/],
    ['docker-autoscaler', 'autoscaler', /no machines are made on demand here/],
    ['instance', 'instance', /no machines are made on demand here/],
    ['docker-windows', 'docker', /is "docker-windows"/],
    ['constructor', 'custom', /is "constructor"/],
    ['', 'docker', /is missing; no jobs/],
  ])('%j takes no jobs, and the others do', (executor, table, message) => {
    const content = { runners: [{ executor, [table]: { image: 'x' } }, { executor: 'shell' }] };
    const { config, problems } = read(content);
    expect(problems).toEqual([
      { path: ['runners', 0, 'executor'], severity: 'warning', text: expect.stringMatching(message) as string },
    ]);
    expect(config.runners.map((runner) => canTakeJobs({ ...runner, token: 't' }))).toEqual([false, true]);
  });
});
