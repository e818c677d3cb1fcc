import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectCheckouts } from '../../src/context/project-checkouts.ts';
import type { ForeignFile } from '../../src/model/included-file.ts';
import type { FileLoader } from '../../src/model/ports.ts';
import { fileLoader } from '../../src/sources/file-loader.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };

let own: TemporaryProject;
let other: TemporaryProject;
let loader: FileLoader;

beforeAll(() => {
  own = temporaryProject({ 'ci/own.yml': 'own' });
  other = temporaryProject({
    'ci.yml': 'first',
    'ci/a.yml': 'a',
    'ci/b.yml': 'b',
    'templates/lint.yml': 'lint 1.0.0',
    'templates/deploy/template.yml': 'deploy 1.0.0',
    'lib/gitlab/ci/templates/Go.gitlab-ci.yml': 'go',
  });
  other.git('tag', '1.0.0');
  for (const version of ['1.2.0', 'v1.10.0', '2.0.0-rc1']) {
    other.write('templates/lint.yml', `lint ${version}`);
    other.git('commit', '-qam', version);
    other.git('tag', '-a', '-m', version, version);
  }
  other.git('branch', 'feature/x', '1.0.0');
  other.write('ci.yml', 'not committed');
  other.write('ci/untracked.yml', 'untracked');
  loader = loaderFor(new Map([['Group/Other', other.root]]));
});

afterAll(() => {
  own[Symbol.dispose]();
  other[Symbol.dispose]();
});

function loaderFor(mapped: ReadonlyMap<string, string>): FileLoader {
  const projects = projectCheckouts({ mapped, own: () => ({ path: 'group/own', root: own.root }), env });
  return fileLoader({ root: own.root, env, projects });
}

async function read(file: ForeignFile): Promise<string> {
  const { value, diagnostics } = await loader.foreign(file);
  return value?.text ?? diagnostics.map(({ code }) => code).join();
}

const file = (path: string, ref?: string): ForeignFile => ({
  kind: 'project',
  project: 'group/other',
  file: path,
  ...(ref === undefined ? {} : { ref }),
});

const lint = (version: string): ForeignFile => ({
  kind: 'component',
  address: `git.example.test/group/other/lint@${version}`,
});

describe('a mapped project', () => {
  it('gives the files of its working tree, and with a ref those of a commit', async () => {
    expect(await read(file('ci.yml'))).toBe('not committed');
    expect(await read(file('/ci/untracked.yml'))).toBe('untracked');
    for (const ref of ['main', '1.0.0', 'feature/x', 'HEAD', 'v1.10.0', other.git('rev-parse', '1.0.0')]) {
      expect([ref, await read(file('ci.yml', ref))]).toEqual([ref, 'first']);
    }
    expect(await read(file('ci/untracked.yml', 'main'))).toBe('gitlab/include-not-found');
  });

  it('names what is not there', async () => {
    const { diagnostics } = await loader.foreign(file('ci.yml', 'no-such-ref'));
    expect(diagnostics).toMatchObject([{ code: 'gitlab/include-not-found', severity: 'error' }]);
    expect(diagnostics[0]!.message).toContain('`no-such-ref`');
    expect(await read(file('none.yml'))).toBe('gitlab/include-not-found');
    // Wildcards are for `local` alone.
    expect(await read(file('ci/*.yml'))).toBe('gitlab/include-not-found');
    expect(await read({ kind: 'project', project: 'group/unknown', file: 'a.yml' })).toBe('gitlab/include-not-read');
  });

  it.each(['../own/ci/own.yml', '.git/config.yml', 'ci/../../x.yml', 'a\0.yml', 'C:/a.yml'])(
    'refuses %j, in the working tree and in a commit',
    async (path) => {
      expect(await read(file(path))).toBe('gitlab/include-outside');
      expect(await read(file(path, 'main'))).toBe('gitlab/include-outside');
    },
  );

  it('refuses links that lead out of it', async () => {
    symlinkSync(join(own.root, 'ci'), join(other.root, 'linked'));
    expect(await read(file('linked/own.yml'))).toBe('gitlab/include-outside');
    rmSync(join(other.root, 'linked'));
  });

  it('is what a local include in its files is relative to, at the same commit', async () => {
    const { value } = await loader.foreign(file('ci.yml', '1.0.0'));
    const nested = await loader.local('ci/*.yml', value!.origin);
    expect(nested.value?.map(({ path }) => path.replace(/@[0-9a-f]{40}:/, '@SHA:'))).toEqual([
      'group/other@SHA:ci/a.yml',
      'group/other@SHA:ci/b.yml',
    ]);
    const tree = await loader.foreign(file('ci.yml'));
    const inTree = await loader.local('/ci/*.yml', tree.value!.origin);
    expect(inTree.value?.map(({ text }) => text)).toEqual(['a', 'b', 'untracked']);
  });

  it('is the own project, by its own path, without being mapped', async () => {
    expect(await read({ kind: 'project', project: 'GROUP/own', file: 'ci/own.yml', ref: 'HEAD' })).toBe('own');
  });

  it('is the own project: at its own commit its working tree, as for local files', async () => {
    own.write('templates/part.yml', 'part 1');
    own.git('add', '-A');
    own.git('commit', '-qm', 'part');
    const head = own.git('rev-parse', 'HEAD');
    own.write('templates/part.yml', 'part 2, not committed');
    own.write('ci/own.yml', 'own 2');
    const part = (version: string): ForeignFile => ({ kind: 'component', address: `h.test/group/own/part@${version}` });
    expect(await read(part(head))).toBe('part 2, not committed');
    expect(await read({ kind: 'project', project: 'group/own', file: 'ci/own.yml', ref: 'main' })).toBe('own 2');
    expect(await read({ kind: 'project', project: 'group/own', file: 'ci/own.yml', ref: 'HEAD^' })).toBe(
      'gitlab/include-not-found',
    );
    const before = own.git('rev-parse', 'HEAD^');
    expect(await read({ kind: 'project', project: 'group/own', file: 'ci/own.yml', ref: before })).toBe('own');
  });

  it('can be GitLab itself, for its templates', async () => {
    const withTemplates = loaderFor(new Map([['gitlab-org/gitlab', other.root]]));
    const { value } = await withTemplates.foreign({ kind: 'template', name: 'Go.gitlab-ci.yml' });
    expect(value).toMatchObject({ text: 'go', origin: { kind: 'nowhere' } });
    const nested = await withTemplates.local('ci.yml', value!.origin);
    expect(nested.diagnostics.map(({ code }) => code)).toEqual(['gitlab/include-without-project']);
  });

  it('runs nothing that its configuration names', async () => {
    const marker = join(own.root, '..', 'ran');
    const program = join(other.root, '.git', 'program');
    writeFileSync(program, `#!/bin/sh\ntouch '${marker}'\ncat\n`, { mode: 0o755 });
    for (const key of ['core.fsmonitor', 'core.sshCommand', 'diff.x.textconv', 'filter.x.smudge', 'filter.x.process']) {
      other.git('config', key, program);
    }
    other.git('config', 'remote.origin.url', `ext::${program}`);
    other.git('config', 'remote.origin.promisor', 'true');
    other.git('config', 'protocol.ext.allow', 'always');
    mkdirSync(join(other.root, '.git/info'), { recursive: true });
    writeFileSync(join(other.root, '.git/info/attributes'), '*.yml diff=x filter=x\n');
    const gone = other.git('rev-parse', 'feature/x:ci/a.yml');
    rmSync(join(other.root, '.git/objects', gone.slice(0, 2), gone.slice(2)));
    expect(await read(file('ci.yml', 'feature/x'))).toBe('first');
    expect(await read(file('ci/a.yml', 'feature/x'))).toBe('gitlab/include-not-found');
    const projects = projectCheckouts({
      mapped: new Map([['group/other', other.root]]),
      own: () => ({ path: 'group/own', root: own.root }),
      env,
    });
    expect(projects.paths('group/other')).toContain('ci/untracked.yml');
    expect(existsSync(marker)).toBe(false);
  });
});

describe('a component of a mapped project', () => {
  it.each([
    ['1.0.0', 'lint 1.0.0', '1.0.0'],
    ['1.2', 'lint 1.2.0', '1.2.0'],
    ['1', 'lint v1.10.0', 'v1.10.0'],
    ['~latest', 'lint v1.10.0', 'v1.10.0'],
    ['2.0.0-rc1', 'lint 2.0.0-rc1', '2.0.0-rc1'],
    ['feature/x', 'lint 1.0.0', undefined],
  ])('@%s', async (version, text, chosen) => {
    const { value } = await loader.foreign(lint(version));
    const sha = other.git('rev-parse', `${chosen ?? version}^{commit}`);
    expect(value).toMatchObject({ text, origin: { kind: 'project', ref: sha } });
    const origin = value!.origin as { component?: object };
    expect(origin.component).toEqual({
      name: 'lint',
      reference: version,
      sha,
      ...(chosen === undefined ? {} : { version: chosen }),
    });
  });

  it('can lie in a folder of its own, and keeps its context for what it includes', async () => {
    const { value } = await loader.foreign({ kind: 'component', address: 'h.test/group/other/deploy@1.0.0' });
    expect(value!.text).toBe('deploy 1.0.0');
    const nested = await loader.local('templates/lint.yml', value!.origin);
    expect(nested.value).toMatchObject([{ text: 'lint 1.0.0', origin: { component: { name: 'deploy' } } }]);
  });

  it('must be there', async () => {
    expect(await read(lint('3'))).toBe('gitlab/include-not-found');
    expect(await read(lint('nope'))).toBe('gitlab/include-not-found');
    expect(await read({ kind: 'component', address: 'h.test/group/other/none@1.0.0' })).toBe(
      'gitlab/include-not-found',
    );
  });

  it.each(['lint@1.0.0', 'h.test/lint@1', 'h.test/g/p/lint', 'h.test/g/../lint@1', 'h.test/g/p/li nt@1', '-h/g/p/l@1'])(
    'has no address such as %j',
    async (address) => {
      expect(await read({ kind: 'component', address })).toBe('gitlab/include-address');
    },
  );
});

describe('projectCheckouts', () => {
  it('tells folders and lists files', () => {
    const projects = projectCheckouts({
      mapped: new Map([['Group/Other', other.root]]),
      own: () => ({ path: 'group/own', root: own.root }),
      env,
    });
    expect(projects.directory('group/OTHER')).toBe(other.root);
    expect(projects.directory('group/own')).toBe(own.root);
    expect(projects.directory('group/none')).toBeUndefined();
    expect(projects.paths('group/other')).toContain('ci/untracked.yml');
    expect(projects.paths('group/other', '1.0.0')).toEqual([
      'ci.yml',
      'ci/a.yml',
      'ci/b.yml',
      'lib/gitlab/ci/templates/Go.gitlab-ci.yml',
      'templates/deploy/template.yml',
      'templates/lint.yml',
    ]);
    expect(projects.paths('group/other', 'nope')).toBeUndefined();
    expect(projects.paths('group/other', '--output=x')).toBeUndefined();
    expect(projects.paths('group/none')).toBeUndefined();
  });
});
