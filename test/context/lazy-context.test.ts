import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildContext } from '../../src/context/build-context.ts';
import { lazyContext } from '../../src/context/lazy-context.ts';
import { gitEnv, testDirectory, testRepository } from './git-repository.ts';

it('says what a context says, and asks git only when it is read', () => {
  using repository = testRepository();
  repository.commit({ a: '1' }, 'First');
  using directory = testDirectory();
  directory.write({
    git: `#!/bin/sh\ntouch '${join(directory.path, 'asked')}'\nPATH='${gitEnv.PATH}' exec git "$@"\n`,
  });
  chmodSync(join(directory.path, 'git'), 0o755);
  const options = {
    root: repository.path,
    configPath: '.gitlab-ci.yml',
    env: { ...gitEnv, PATH: `${directory.path}:${gitEnv.PATH}` },
    nowMs: 0,
    version: '1.2.3',
    projectVariables: [{ name: 'A', value: 'a', raw: true }],
  };
  const context = lazyContext(options);
  expect(existsSync(join(directory.path, 'asked'))).toBe(false);
  const built = buildContext(options);
  if (built.kind !== 'context') throw new Error(built.message);
  const { query, ...rest } = built.context;
  expect({ ...context, query: undefined }).toEqual({ ...rest, query: undefined });
  expect(context.query.paths()).toEqual(query.paths());
  expect(existsSync(join(directory.path, 'asked'))).toBe(true);
});
