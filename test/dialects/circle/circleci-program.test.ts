import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { circleciPrograms } from '../../../src/dialects/circle/program/circleci-program.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'circleci-program-')));
const programs = join(base, 'programs');
const tree = join(base, 'tree');
afterAll(() => rmSync(base, { recursive: true, force: true }));

function find(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** Shells and awks that there may be in an image; those that are not on this machine are left out. */
const awks: readonly (readonly [string, string])[] = [
  ['mawk', 'mawk'],
  ['gawk', 'gawk'],
  ['one true awk', 'original-awk'],
  ['busybox awk', 'busybox'],
];
const kinds = [
  { name: 'dash', shell: ['dash'] },
  { name: 'bash', shell: ['bash'] },
  { name: 'busybox sh', shell: ['busybox', 'sh'] },
].filter(({ shell }) => find(shell[0]!) !== undefined);
const combinations = awks
  .filter(([, program]) => find(program) !== undefined)
  .map(([awk, program], index) => ({ awk, program, ...kinds[index % kinds.length]! }));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Given {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs `circleci` by one shell, with one awk first in `PATH`. */
function runner({ shell, program }: { readonly shell: readonly string[]; readonly program: string }) {
  const directory = join(base, program);
  mkdirSync(directory, { recursive: true });
  symlinkSync(find(program)!, join(directory, 'awk'));
  const PATH = `${programs}:${directory}:${process.env['PATH']}`;
  return (args: readonly string[], { input = '', env = {}, cwd = tree }: Given = {}): Ran => {
    const [file, ...before] = shell;
    const ran = spawnSync(file!, [...before, join(programs, 'circleci'), ...args], {
      ...{ cwd, input, encoding: 'utf8' },
      env: { PATH, ...env },
    });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  };
}

function file(path: string, text = ''): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

beforeAll(() => {
  mkdirSync(programs);
  for (const { name, text } of circleciPrograms)
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}`, { mode: 0o755 });
  for (const name of ['a', 'b', 'models/c', 'models/deep/d', '.hidden/e']) file(`spec/${name}_spec.rb`);
  for (const name of ['a.js', 'b.ts', 'c.tsx', 'plus+.js', 'we[i]rd.js', 'with space.js', "it's.js", '^hat.js', 'ü.js'])
    file(`src/${name}`);
  file('big.txt', 'x'.repeat(5000));
  file('small.txt', 'x');
});

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe.each(combinations)('circleci in $name with $awk', (combination) => {
  let run: ReturnType<typeof runner>;
  beforeAll(() => {
    run = runner(combination);
  });

  it.each([
    ['spec/*.rb', ['spec/a_spec.rb', 'spec/b_spec.rb']],
    ['./spec/*.rb', ['spec/a_spec.rb', 'spec/b_spec.rb']],
    ['spec/**/*_spec.rb', ['.hidden/e', 'a', 'b', 'models/c', 'models/deep/d'].map((name) => `spec/${name}_spec.rb`)],
    ['**/deep/*.rb', ['spec/models/deep/d_spec.rb']],
    ['spec/models/**', ['spec/models/c_spec.rb', 'spec/models/deep', 'spec/models/deep/d_spec.rb']],
    ['spec/m*/c_spec.rb', ['spec/models/c_spec.rb']],
    ['src/[ab].?s', ['src/a.js', 'src/b.ts']],
    ['src/[a-c].*', ['src/a.js', 'src/b.ts', 'src/c.tsx']],
    ['src/[!a-cpwi^]*.js', ['src/ü.js']],
    ['src/*.{ts,tsx}', ['src/b.ts', 'src/c.tsx']],
    ['{src/a,spec/b*}.{js,rb}', ['spec/b_spec.rb', 'src/a.js']],
    ['src/plus+.js', ['src/plus+.js']],
    ['src/we\\[i\\]rd.js', ['src/we[i]rd.js']],
    ['src/w*.js', ['src/we[i]rd.js', 'src/with space.js']],
    ["src/it's.js", ["src/it's.js"]],
    ['src/^hat.js', ['src/^hat.js']],
    ['src/[\\^]*', ['src/^hat.js']],
    ['nothing/**/*.js', []],
  ] as const)('finds %s', (pattern, found) => {
    expect(run(['tests', 'glob', pattern])).toEqual({
      code: 0,
      err: '',
      out: found.map((path) => `${path}\n`).join(''),
    });
  });

  it('finds what several patterns fit once, below an absolute path, too', () => {
    expect(lines(run(['tests', 'glob', 'spec/b*', 'spec/*.rb']).out)).toEqual(['spec/a_spec.rb', 'spec/b_spec.rb']);
    expect(lines(run(['tests', 'glob', `${tree}/src/[ab].*`]).out)).toEqual([`${tree}/src/a.js`, `${tree}/src/b.ts`]);
  });

  it.each(['a[b', 'a{b,c', '[]', 'a\\'])('refuses the pattern %s', (pattern) => {
    const { code, out, err } = run(['tests', 'glob', pattern]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`the pattern "${pattern}" is not valid: `);
  });

  it('splits by name in turn, from input, a file, and by the variables of CircleCI', () => {
    const input = 'd\nb\r\n\na\nc\nb\ne';
    expect(run(['tests', 'split', '--total=2', '--index=0'], { input }).out).toBe('a\nc\ne\n');
    const env = { CIRCLE_NODE_INDEX: '1', CIRCLE_NODE_TOTAL: '2' };
    expect(run(['tests', 'split'], { input, env }).out).toBe('b\nd\n');
    file('tests.txt', input);
    expect(run(['tests', 'split', '--split-by', 'name', 'tests.txt', '--index', '0'], { env }).out).toBe('a\nc\ne\n');
    expect(run(['tests', 'split', '--show-counts'], { input, env }).err).toBe(
      'circleci: node 0: 3 of 5 tests\ncircleci: node 1: 2 of 5 tests\n',
    );
    expect(run(['tests', 'split'], { input }).out).toBe('a\nb\nc\nd\ne\n');
  });

  it('splits by the size of files', () => {
    const input = "small.txt\nbig.txt\nsrc/it's.js\nnone.txt\n";
    const first = run(['tests', 'split', '--split-by=filesize', '--total=2', '--index=0'], { input });
    expect(first.out).toBe('big.txt\n');
    expect(first.err).toContain('none.txt is no file here');
    const many = Array.from({ length: 250 }, (_, index) => `many/${index}`);
    for (const [index, path] of many.entries()) file(path, 'x'.repeat(index));
    const parts = [0, 1, 2].map((index) =>
      lines(
        run(['tests', 'split', '--split-by=filesize', '--total=3', `--index=${index}`], { input: many.join('\n') }).out,
      ),
    );
    expect(parts.flat().sort()).toEqual([...many].sort());
    const sizes = parts.map((part) => part.reduce((sum, path) => sum + Number(path.slice(5)), 0));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(250);
    expect(
      run(['tests', 'split', '--split-by=filesize', '--total=2', '--index=0', '-v'], { input: many.join('\n') }).err,
    ).toMatch(/ 15\d{3} bytes/);
  });

  it('splits by timings: the slowest first, what is not known with the least', () => {
    const known = join(base, 'timings');
    writeFileSync(
      known,
      'file\t8.5\tspec/slow.rb\nfile\t3\tspec/b.rb\nfile\t4\tspec/c.rb\nclassname\t9\tspec/new.rb\nname\t1\tspec/slow.rb\n',
    );
    const env = { CIRCLE_INTERNAL_TEST_TIMINGS: known, CIRCLE_NODE_TOTAL: '2' };
    const input = `./spec/b.rb\nspec/new.rb\n${tree}/spec/c.rb\nspec/slow.rb\n`;
    const part = (index: number, ...more: string[]): Ran =>
      run(['tests', 'split', '--split-by=timings', `--index=${index}`, ...more], { input, env });
    expect(part(0).out).toBe('spec/slow.rb\n');
    expect(lines(part(1).out)).toEqual(['./spec/b.rb', `${tree}/spec/c.rb`, 'spec/new.rb'].sort());
    expect(part(1).err).toBe('circleci: No timing found for "spec/new.rb"\n');
    expect(lines(part(1, '--time-default=2m', '--timings-type=filename').out)).not.toContain('spec/new.rb');
    expect(part(0, '--verbose').err).toContain(
      'circleci: node 0 of 2 has 1 of 4 tests, split by timings, about 8.5 s\n',
    );
    expect(part(0, '--timings-type=classname', '-v').err).toContain('about 18.0 s');
  });

  it('says why it splits by name where no timings help', () => {
    const input = 'a\nb\n';
    const none = run(['tests', 'split', '--split-by=timings', '--total=2', '--index=1'], { input });
    expect(none.out).toBe('b\n');
    expect(none.err).toContain('no timings are known yet, so the tests are split by name');
    const known = join(base, 'other-timings');
    writeFileSync(known, 'file\t1\tspec/b.rb\n');
    const other = run(['tests', 'split', '--split-by=timings', '--total=2', '--index=1'], {
      input,
      env: { CIRCLE_INTERNAL_TEST_TIMINGS: known },
    });
    expect(other.out).toBe('b\n');
    expect(other.err).toContain('one of the tests: "a", one of the timings: "spec/b.rb"');
  });

  it("reads CircleCI's own form of timings", () => {
    const path = join(base, 'results.json');
    const tests = [
      { classname: 'x.Y', name: 'says "hi"', file: 'a.rb', result: 'success', run_time: 7 },
      { classname: 'x.Y', name: 'else', file: './b.rb', run_time: 0.5, message: 'a, b: {} }' },
      { classname: 'x.Z', name: 'third', file: 'b.rb', run_time: 1.25 },
    ];
    writeFileSync(path, JSON.stringify({ tests }, undefined, 2));
    const by = (type: string, input: string): string =>
      run(['tests', 'split', '--split-by=timings', `--timings-file=${path}`, `--timings-type=${type}`, '-v'], { input })
        .err;
    expect(by('file', 'b.rb\na.rb\n')).toContain('about 8.8 s');
    expect(by('classname', 'x.Y\nx.Z\n')).toContain('about 8.8 s');
    expect(by('testname', 'says "hi"\n')).toContain('about 7.0 s');
  });

  it('runs a command with its part, and ends as it does', () => {
    const env = { CIRCLE_NODE_INDEX: '1', CIRCLE_NODE_TOTAL: '2' };
    const ran = run(['tests', 'run', '--command=xargs echo RUN; exit 7', '-v'], { input: 'a b\nc d', env });
    expect(ran).toMatchObject({
      code: 7,
      out: 'RUN b d\n',
      err: 'circleci: node 1 of 2 has 2 of 4 tests, split by name\n',
    });
    expect(run(['tests', 'run', '--command', 'cat'], { input: 'a b\nc d', env }).out).toBe('b d');
    const none = run(['tests', 'run', '--command=echo never'], { input: ' \n' });
    expect(none).toMatchObject({ code: 0, out: '' });
    expect(none.err).toContain('no tests for this node');
  });

  it.each([
    ['hello $FOO', 'hello foo'],
    ['${FOO}x$FOO.$EMPTY|${NO}|$NO', 'foox' + 'foo.||'],
    ['${NO:-d e} ${EMPTY:-$FOO} ${EMPTY-$FOO}| ${NO=x} ${EMPTY:=y}', 'd e foo | x y'],
    ['${FOO+yes}${NO+no}${EMPTY:+set}${URL-http://host:80/}', 'yessethttp://host:80/'],
    ['$$FOO $${FOO} $$$FOO', '$FOO ${FOO} $foo'],
    ['$ 5$ "$" $_ ${_} $-', '$ 5$ "$" $_ ${_} $-'],
    ['${LINES_}', 'a\nb\\c & d'],
    ['no end\n\n', 'no end\n\n'],
    ['', ''],
  ])('puts variables into %j', (text, result) => {
    const env = { FOO: 'foo', EMPTY: '', LINES_: 'a\nb\\c & d' };
    expect(run(['env', 'subst', text], { env })).toEqual({ code: 0, out: result, err: '' });
    expect(run(['env', 'subst'], { env, input: text })).toEqual({ code: 0, out: result, err: '' });
  });

  it.each(['${FOO', '${}', '${A\n}'])('does not put variables into %j', (text) => {
    const { code, out, err } = run(['env', 'subst', text]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^circleci: env subst: (closing brace|a name) expected/);
  });

  it('gives each test to exactly one node, whatever their names and times', () => {
    const name = fc.stringMatching(/^[!-~]([ -~]{0,8}[!-~])?$/);
    const test = fc.record({ name, seconds: fc.option(fc.nat(100)) });
    fc.assert(
      fc.property(
        fc.uniqueArray(test, { maxLength: 12, selector: (one) => one.name }),
        fc.integer({ min: 1, max: 4 }),
        (tests, total) => {
          const known = join(base, 'random-timings');
          writeFileSync(
            known,
            tests.flatMap((one) => (one.seconds === null ? [] : `name\t${one.seconds}\t${one.name}\n`)).join(''),
          );
          const parts = Array.from({ length: total }, (_, index) => {
            const args = [
              'tests',
              'split',
              '--split-by=timings',
              '--timings-type=name',
              `--index=${index}`,
              `--total=${total}`,
            ];
            const input = tests.map((one) => `${one.name}\n`).join('');
            const ran = run(args, { input, env: { CIRCLE_INTERNAL_TEST_TIMINGS: known } });
            expect(ran.code).toBe(0);
            return lines(ran.out);
          });
          expect(parts.flat().sort()).toEqual(tests.map((one) => one.name).sort());
        },
      ),
      { numRuns: 8 },
    );
  });
});

describe('circleci', () => {
  const run = (args: readonly string[], { env = {}, program = 'circleci', path = process.env['PATH']! } = {}): Ran => {
    const ran = spawnSync(program, args, { cwd: tree, encoding: 'utf8', env: { PATH: `${programs}:${path}`, ...env } });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  };

  it('halts the job by making a file, under each of its names', () => {
    for (const [program, word] of [
      ['circleci', 'step'],
      ['circleci-agent', 'step'],
      ['circleci', 'task'],
    ] as const) {
      const halt = join(base, `halt-${program}-${word}`);
      expect(run([word, 'halt'], { program, env: { CIRCLE_INTERNAL_HALT_FILE: halt } })).toEqual({
        code: 0,
        out: '',
        err: '',
      });
      expect(execFileSync('wc', ['-c', halt], { encoding: 'utf8' })).toMatch(/^\s*0 /);
    }
    expect(run(['step', 'halt'])).toMatchObject({ code: 1 });
    expect(run(['step', 'halt'], { env: { CIRCLE_INTERNAL_HALT_FILE: '/nowhere/halt' } }).err).toContain(
      "/nowhere/halt can't be written",
    );
  });

  it('tells what it does not know, and what there is no service for', () => {
    expect(run(['step', 'back'])).toMatchObject({ code: 2 });
    expect(run(['config', 'validate']).err).toContain('there is no `circleci config validate` inside of a job');
    expect(run(['tests', 'split', '--what'])).toMatchObject({ code: 2, err: expect.stringContaining('`--what`') });
    expect(run(['tests', 'split', '--index=2', '--total=2'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no node 2 of 2'),
    });
    expect(run(['tests', 'split', '--total=x'])).toMatchObject({ code: 2 });
    expect(run(['tests', 'split', '--split-by=luck']).err).toContain('name, filesize and timings are known');
    expect(run(['tests', 'split', 'no.txt'])).toMatchObject({ code: 1, err: expect.stringContaining('no.txt') });
    expect(run(['tests', 'run'])).toMatchObject({ code: 2, err: expect.stringContaining('--command') });
    expect(run(['run', 'release', 'plan', 'x'])).toMatchObject({
      code: 0,
      err: expect.stringContaining('nothing is done'),
    });
    expect(run(['run', 'oidc', 'get'])).toMatchObject({ code: 1, out: '' });
    expect(run(['run', 'oidc', 'get'], { env: { CIRCLE_OIDC_TOKEN_V2: 'token' } })).toMatchObject({
      code: 0,
      out: 'token\n',
    });
    for (const args of [[], ['--help'], ['tests', '--help'], ['tests', 'split', '-h'], ['step', '-h']]) {
      expect(run(args)).toMatchObject({ code: 0, out: expect.stringContaining('tests split [FILE]') });
    }
  });

  it("leaves what it does not know to CircleCI's command line interface, where somebody has installed that", () => {
    const other = join(base, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'circleci'), '#!/bin/sh\necho other "$@"\n');
    chmodSync(join(other, 'circleci'), 0o755);
    const path = `${other}:${process.env['PATH']}`;
    expect(run(['config', 'validate', 'a b'], { path })).toEqual({
      code: 0,
      out: 'other config validate a b\n',
      err: '',
    });
    expect(run(['env', 'subst', 'x'], { path }).out).toBe('x');
  });

  it('says that awk is missing', () => {
    const bare = join(base, 'bare');
    mkdirSync(bare);
    symlinkSync(find('sh')!, join(bare, 'sh'));
    const ran = spawnSync(join(programs, 'circleci'), ['tests', 'glob', '*'], {
      encoding: 'utf8',
      env: { PATH: bare },
    });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('this image has no `awk`, which `circleci tests glob` needs');
  });
});
