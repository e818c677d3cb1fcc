import { describe, expect, it } from 'vitest';
import { clonePathOf } from '../../../src/runner/job/clone-path.ts';

const numbers = { concurrentId: 3, concurrentProjectId: 1 };

function pathOf(value: string, more: Readonly<Record<string, string>> = {}) {
  const variables = Object.entries({ ...more, GIT_CLONE_PATH: value }).map(([name, text]) => ({ name, value: text }));
  return clonePathOf(variables, numbers);
}

// Source: https://docs.gitlab.com/ci/runners/configure_runners/#custom-build-directories
describe('GIT_CLONE_PATH', () => {
  it.each([
    ['$CI_BUILDS_DIR/go/src', 'go/src'],
    ['${CI_BUILDS_DIR}/$CI_CONCURRENT_ID/$NAME/', '3/app'],
    ['$BASE/x', 'base/x'],
    ['/builds/group/./app', 'group/app'],
    ['$CI_BUILDS_DIR/a/../b', 'b'],
  ])('%s is below the builds', (value, path) => {
    expect(pathOf(value, { NAME: 'app', BASE: '$CI_BUILDS_DIR/base' })).toEqual({ path });
  });

  it.each(['/etc', '$CI_BUILDS_DIR', '$CI_BUILDS_DIR/../x', 'relative', '/buildsx/y', '$UNKNOWN/x'])(
    'refuses %s',
    (value) => {
      expect(pathOf(value)).toEqual({ problem: `the GIT_CLONE_PATH="${value}" has to be within "$CI_BUILDS_DIR"` });
    },
  );

  it('need not be there', () => {
    expect(clonePathOf([], numbers)).toBeUndefined();
    expect(pathOf(' ')).toBeUndefined();
  });
});
