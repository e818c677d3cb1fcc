import { describe, expect, it } from 'vitest';
import { sanitisedSettings, settingsText, withoutCredentials } from '../../src/workspaces/git-settings.ts';

describe('withoutCredentials', () => {
  it.each([
    ['https://user:pass@example.com/a.git', 'https://example.com/a.git'],
    ['https://user:p@ss@example.com/a.git', 'https://example.com/a.git'],
    ['https://token@example.com/a@b.git', 'https://example.com/a@b.git'],
    ['https://example.com/a.git', 'https://example.com/a.git'],
    ['ssh://git:pass@example.com/a.git', 'ssh://git@example.com/a.git'],
    ['git@example.com:a/b.git', 'git@example.com:a/b.git'],
    ['/srv/a.git', '/srv/a.git'],
    ['ext::sh -c evil', undefined],
    ['foo://x/y', undefined],
    ['--upload-pack=evil', undefined],
  ])('%s', (url, expected) => expect(withoutCredentials(url)).toBe(expected));
});

describe('sanitisedSettings', () => {
  it('keeps what is harmless and quotes it', () => {
    const list = [
      'core.filemode\nfalse',
      'core.fsmonitor\n/evil',
      'core.symlinks\nx\n[core]\n\tpager = evil',
      'remote.a"b\\c.url\nhttps://example.com/x"y',
      'remote.origin.fetch\n+refs/heads/*:refs/remotes/origin/*',
      'remote.origin.uploadpack\n/evil',
      'remote.x\n[core]\n\tpager = evil\n.url\nhttps://example.com',
    ].join('\0');
    expect(settingsText(sanitisedSettings(list), 'sha256')).toContain(
      '[core]\n\tfilemode = "false"\n[remote "a\\"b\\\\c"]\n\turl = "https://example.com/x\\"y"\n[remote "origin"]\n\tfetch = "+refs/heads/*:refs/remotes/origin/*"\n',
    );
    expect(settingsText(sanitisedSettings(list), 'sha1')).not.toContain('evil');
  });
});
