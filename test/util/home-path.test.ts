import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logicalPath, relativeTo, withHome } from '../../src/util/home-path.ts';

describe('a path that may begin with ~', () => {
  it.each([
    ['~/project', '.', '~/project'],
    ['~/project', '~', '~'],
    ['~/project', '~/', '~'],
    ['~/project', '~/.npm/', '~/.npm'],
    ['~/project', '~user/x', '~/project/~user/x'],
    ['~/project', 'vendor//bundle/./x', '~/project/vendor/bundle/x'],
    ['~/project', '../other', '~/other'],
    ['~/project', '../../../etc', '~/etc'],
    ['~/project', '~/../../etc', '~/etc'],
    ['~/project', '/tmp/../usr/local/', '/usr/local'],
    ['~/project', '/', '/'],
    ['/app', 'x', '/app/x'],
    ['/app', '../../x', '/x'],
  ])('in %s is for %s the logical path %s', (directory, path, logical) => {
    expect(logicalPath(directory, path)).toBe(logical);
  });

  it('is the same however often it is read, and stays below the home', () => {
    const part = fc.constantFrom('~', '..', '.', 'a', '~a', '', 'b c');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const once = logicalPath('~/project', parts.join('/'));
        expect(logicalPath('~/project', once)).toBe(once);
        const real = withHome('/home/user', once);
        if (once.startsWith('~')) expect(`${real}/`.startsWith('/home/user/')).toBe(true);
        expect(real).not.toMatch(/\/\.\.?(\/|$)|\/\//);
      }),
    );
  });

  it('has a part below a directory, if it is there', () => {
    expect(relativeTo('~/project', '~/project')).toBe('.');
    expect(relativeTo('~/project', '~/project/a/b')).toBe('a/b');
    expect(relativeTo('~/project', '~/projects')).toBeUndefined();
    expect(relativeTo('/', '/usr')).toBe('usr');
    expect(relativeTo('~', '/usr')).toBeUndefined();
  });
});
