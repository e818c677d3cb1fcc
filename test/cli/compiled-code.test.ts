import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

interface Place {
  readonly path: string;
  readonly owner: 'package' | 'user';
}

interface Loader {
  loadBundle(file: string, places: readonly Place[]): { readonly used: Place | undefined };
  packagePlace(dist: string, command?: string): Place;
  writeCompiled(loaded: object, place: Place): void;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const { loadBundle, packagePlace, writeCompiled } = createRequire(import.meta.url)('../../bin/bundle.js') as Loader;

let directory: string;
let project: TemporaryProject;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ci-compiled-'));
  project = temporaryProject({ '.ci.yml': 'a:\n  script: ["true"]\n' });
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  project[Symbol.dispose]();
});

/** A package whose build compiled nothing for this Node. */
function packageWithout(): string {
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(root, name), join(directory, name), { recursive: true });
  symlinkSync(join(root, 'schemas'), join(directory, 'schemas'));
  for (const name of ['ci.compiled', 'ci.read.compiled']) rmSync(join(directory, 'dist', name));
  return join(directory, 'bin/ci.js');
}

describe('code compiled ahead', () => {
  it('is made by the build and fits', () => {
    for (const command of ['list', 'run']) {
      const place = packagePlace(dist, command);
      expect(loadBundle(join(dist, 'ci.js'), [place]).used).toEqual(place);
    }
    const bytes = (command: string): number => statSync(packagePlace(dist, command).path).size;
    expect(bytes('list')).toBeLessThan(0.85 * bytes('run'));
  });

  it('is not used for another bundle', () => {
    packageWithout();
    const other = join(directory, 'dist/ci.js');
    const text = readFileSync(other, 'utf8');
    // Of the same length, which is all of the text that V8 itself would look at.
    const changed = text.replace(/^\/\*(.)/, (_, first: string) => `/*${first === '0' ? '1' : '0'}`);
    expect(changed).not.toBe(text);
    writeFileSync(other, changed);
    expect(loadBundle(other, [packagePlace(dist)]).used).toBeUndefined();
  });

  it('is kept for the user where the build has none that fits, and used the next time', async () => {
    const program = packageWithout();
    const run = () => runCi(['list'], { cwd: project.root, home: project.home, program });
    const first = await run();
    const node = join(project.home, 'cache/compiled', `${process.version}-${process.platform}-${process.arch}`);
    expect(readdirSync(node)).toEqual(['list']);
    const own: Place = { path: join(node, 'list'), owner: 'user' };
    expect(loadBundle(join(directory, 'dist/ci.js'), [own]).used).toEqual(own);
    const written = readFileSync(own.path);
    const second = await run();
    expect(second).toEqual({ ...first, pid: second.pid });
    expect(second.stderr).toBe('');
    expect(readFileSync(own.path).equals(written)).toBe(true);
  });

  it('is not taken from a file that others can write', () => {
    const own: Place = { path: join(directory, 'compiled/list'), owner: 'user' };
    writeCompiled(loadBundle(join(dist, 'ci.js'), []), own);
    expect(loadBundle(join(dist, 'ci.js'), [own]).used).toEqual(own);
    chmodSync(own.path, 0o622);
    expect(loadBundle(join(dist, 'ci.js'), [own]).used).toBeUndefined();
  });

  it('is not kept by a command that fails, and goes with clean --all', async () => {
    const program = packageWithout();
    const options = { cwd: project.root, home: project.home, program };
    expect((await runCi(['list', '--stage', 'none'], options)).exitCode).toBe(2);
    expect(existsSync(join(project.home, 'cache/compiled'))).toBe(false);
    await runCi(['lint'], options);
    expect(existsSync(join(project.home, 'cache/compiled'))).toBe(true);
    await runCi(['clean', '--all'], options);
    expect(existsSync(join(project.home, 'cache/compiled'))).toBe(false);
  });

  it('does without a folder to keep it in', async () => {
    const options = { cwd: project.root, home: '/dev/null/home', program: packageWithout() };
    const { exitCode, stdout } = await runCi(['list'], options);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('it has no rules');
  });
});
