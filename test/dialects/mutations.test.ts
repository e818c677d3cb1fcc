import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { hasErrors } from '../../src/diagnostics/diagnostic.ts';
import { checkPresence } from '../../src/plan/check-presence.ts';
import { checkReferences } from '../../src/plan/check-references.ts';
import { compileText } from '../support/compile-text.ts';
import { seeRow } from './rows/see-row.ts';

/** Files in which most keywords stand; valid as they are. */
const texts = [
  `
stages: [build, [test, deploy]]
default: { image: { name: ruby, entrypoint: [""], pull_policy: always }, retry: { max: 1, when: always }, tags: [a] }
variables: { A: one, B: { value: two, description: b, options: [two, three], expand: false } }
workflow: { name: Pipeline $A, rules: [{ if: $A == "one", variables: { C: three } }, { when: always }], auto_cancel: { on_job_failure: all } }
.base: { before_script: [prepare], variables: { D: four }, cache: [{ key: { files: [a.lock], prefix: p }, paths: [x], policy: pull }] }
build:
  extends: .base
  stage: build
  script: [make, [one, two]]
  artifacts: { paths: [out], exclude: [out/tmp], expire_in: 1 week, when: always, reports: { junit: [a.xml], dotenv: a.env } }
  rules: [{ if: $A =~ /on./ && ($B || $C != null), changes: [src/**/*], when: on_success }, { exists: [Makefile] }]
test:
  stage: test
  extends: [.base]
  script: make test
  parallel: { matrix: [{ OS: [x, y], VERSION: [1, 2] }] }
  services: [{ name: postgres, alias: db, variables: { P: q }, command: [a] }, redis]
  needs: [{ job: build, artifacts: true, optional: true }]
  coverage: /\\d+%/
  timeout: 1h 30m
  allow_failure: { exit_codes: [3, 4] }
deploy:
  stage: deploy
  script: [deploy]
  environment: { name: prod/$A, url: https://example.org, action: start, on_stop: stop, auto_stop_in: 1 day }
  only: { refs: [main, /^v/], variables: [$A == "one"], changes: [a] }
  dependencies: [build]
  resource_group: prod
stop: { stage: deploy, script: [stop], when: manual, environment: { name: prod/$A, action: stop }, inherit: { default: [tags], variables: false } }
`,
  `
include: [{ local: /other.yml, rules: [{ if: $A, when: never }], inputs: { x: 1 } }]
child: { trigger: { include: [{ local: child.yml, inputs: { a: b } }], strategy: depend, forward: { yaml_variables: true } } }
other: { trigger: { project: group/name, branch: main }, variables: { X: y } }
run: { run: [{ name: one, script: echo }, { name: two, step: ./two, inputs: { a: 1 }, env: { A: b } }], inputs: { speed: { default: fast, options: [fast, slow] } } }
release: { script: [x], release: { tag_name: v1, description: d, assets: { links: [{ name: a, url: https://example.org }] } }, id_tokens: { T: { aud: [a, b] } } }
secret: { script: [x], secrets: { S: { vault: a/b@c, file: false, token: $T } }, hooks: { pre_get_sources_script: [y] }, identity: google_cloud }
later: { script: [x], when: delayed, start_in: 5 minutes, needs: [release, { project: group/other, job: j, ref: main, artifacts: true }], pages: { publish: public } }
`,
];

/** Values of all kinds, among them those that keywords look for. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<unknown>(
      null,
      '',
      true,
      false,
      0,
      -1,
      201,
      1.5,
      1e21,
      Number.NaN,
      [],
      {},
      [[]],
      '$A',
      '${',
      '$[[ inputs.x ]]',
    ),
    fc.constantFrom<unknown>(
      'build',
      '.base',
      'nowhere',
      '/(/',
      '*',
      '..',
      'always',
      '1 week',
      '__proto__',
      'a'.repeat(300),
    ),
    fc.string({ maxLength: 12 }),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('name', 'job', 'if', 'when', 'paths', 'matrix', 'extends', '__proto__', 'x', ''),
      tie('any'),
      { maxKeys: 3 },
    ),
  ),
}));

/** What is done to the node that a number picks, counting from the outside. */
const mutation = fc.record({
  at: fc.nat(400),
  how: fc.constantFrom('replace', 'remove', 'rename', 'wrap', 'copy' as const),
  value: value.any,
  name: fc.constantFrom(
    'script',
    'extends',
    'rules',
    'needs',
    'trigger',
    'image',
    '.base',
    'build',
    '__proto__',
    '',
    '<<',
  ),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;
type Holder = unknown[] | Record<string, unknown>;

/** Every place in a tree: the map or list, and the key. */
function places(tree: unknown, found: [Holder, string][] = []): [Holder, string][] {
  if (typeof tree !== 'object' || tree === null) return found;
  for (const key of Object.keys(tree)) {
    found.push([tree as Holder, key]);
    places((tree as Record<string, unknown>)[key], found);
  }
  return found;
}

function set(holder: Holder, key: string, to: unknown): void {
  Object.defineProperty(holder, key, { value: to, enumerable: true, writable: true, configurable: true });
}

function mutate(tree: unknown, { at, how, value: to, name }: Mutation): void {
  const all = places(tree);
  const place = all[at % all.length];
  if (place === undefined) return;
  const [holder, key] = place;
  const old = (holder as Record<string, unknown>)[key];
  if (how === 'replace') set(holder, key, to);
  else if (how === 'wrap') set(holder, key, [old, to]);
  else if (how === 'copy') set(holder, key, structuredClone(all[(at * 7) % all.length]?.[0]));
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else {
    delete holder[key];
    if (how === 'rename') set(holder, name, old);
  }
}

const files = { 'other.yml': 'spec: { inputs: { x: { type: number } } }\n---\nx: { script: [x] }\n' };

async function problemsOf(text: string) {
  const { diagnostics, compiled } = await compileText(text, { files, remarks: 'all' });
  const pipeline = compiled?.pipeline;
  const planned = (await seeRow({ text, files })).planned;
  const found = pipeline ? [...checkReferences(pipeline), ...checkPresence(pipeline)] : [];
  return [...diagnostics, ...found, ...(planned?.diagnostics ?? [])];
}

describe('a pipeline file', () => {
  it.each(texts)('%# is valid before it is changed', async (text) => {
    const { diagnostics } = await compileText(text, { files });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('never ends in an exception, and every problem has a place in it', { timeout: 60_000 }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...texts),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (base, mutations) => {
          const tree: unknown = parse(base);
          for (const one of mutations) mutate(tree, one);
          const text = stringify(tree, { aliasDuplicateObjects: false });
          const problems = await problemsOf(text);
          for (const { span, message, code } of problems) {
            const place = `${code} ${message} ${JSON.stringify(span)}\n${text}`;
            const content = span?.file === '.gitlab-ci.yml' ? text : files[span?.file as keyof typeof files];
            expect(content, place).toBeDefined();
            expect(span!.start, place).toBeGreaterThanOrEqual(0);
            expect(span!.end, place).toBeGreaterThanOrEqual(span!.start);
            expect(span!.end, place).toBeLessThanOrEqual(content!.length);
          }
          if (hasErrors(problems)) refused++;
        },
      ),
      { numRuns: Number(process.env['MUTATIONS'] ?? 200) },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
