import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvFile } from '../../src/context/env-file.ts';
import { projectFacts } from '../../src/context/project-facts.ts';
import { parseRemote, withoutCredentials } from '../../src/context/remote-url.ts';
import { slugify } from '../../src/util/slugify.ts';

describe('remotes', () => {
  it.each([
    ['https://gitlab.com/group/app.git', { host: 'gitlab.com', protocol: 'https', path: 'group/app' }],
    ['http://u:p@host:8080/g/s/app/', { host: 'host', protocol: 'http', port: '8080', path: 'g/s/app' }],
    ['ssh://git@Host.example:2222/g/app.git', { host: 'host.example', protocol: 'https', path: 'g/app' }],
    ['git@host:g/app.git', { host: 'host', protocol: 'https', path: 'g/app' }],
    ['host:g/app', { host: 'host', protocol: 'https', path: 'g/app' }],
    ['/srv/git/app.git', undefined],
    ['../app', undefined],
    ['file:///srv/app.git', undefined],
    ['C:/repos/app', undefined],
    ['', undefined],
  ])('%s', (url, expected) => expect(parseRemote(url)).toEqual(expected));

  it.each([
    ['https://user:token@host/a', 'https://host/a'],
    ['https://token@host/a', 'https://host/a'],
    ['https://u:p@ss@host/a', 'https://host/a'],
    ['https://host/a@b', 'https://host/a@b'],
    ['ssh://git@host/a', 'ssh://git@host/a'],
    ['ssh://git:pw@host/a', 'ssh://host/a'],
    ['git@host:a', 'git@host:a'],
  ])('without credentials: %s', (url, expected) => expect(withoutCredentials(url)).toBe(expected));
});

it.each([
  ['https://h/g/app.git', 'g/app', 'app', 'g'],
  ['git@h:app.git', 'local/app', 'app', 'local'],
  [undefined, 'local/My-Project', 'My-Project', 'local'],
])('the project of %s', (url, path, name, namespace) => {
  expect(projectFacts('/x', '/home/me/My Project', url)).toEqual({ root: '/x', path, name, namespace });
});

it.each([
  ['main', 'main'],
  ['Feature/ÄB_c', 'feature--b-c'],
  ['--x--', 'x'],
  ['a'.repeat(62) + '-b', 'a'.repeat(62)],
  ['', ''],
])('the slug of %s', (text, expected) => expect(slugify(text)).toBe(expected));

describe('variables files', () => {
  it.each<readonly [string, readonly (readonly [string, string])[]]>([
    [
      'A=1\nB=2',
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
    [
      'A=1\r\nB=2\r\n',
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
    ['\uFEFFA=1', [['A', '1']]],
    ['# no\n\n  # no\nexport A = 1 ', [['A', '1']]],
    ['A=', [['A', '']]],
    ['A=x # comment', [['A', 'x']]],
    ['A=x#y', [['A', 'x#y']]],
    ['A=a b\\n', [['A', 'a b\\n']]],
    ['A=$B ${C}', [['A', '$B ${C}']]],
    ["A='a\\n $B # x' # comment", [['A', 'a\\n $B # x']]],
    ['A="a\\n\\"b\\" \\$C \\d"', [['A', 'a\n"b" $C \\d']]],
    [
      'A="one\ntwo"\nB=1',
      [
        ['A', 'one\ntwo'],
        ['B', '1'],
      ],
    ],
    [
      "A='one\n\nthree'\nB=1",
      [
        ['A', 'one\n\nthree'],
        ['B', '1'],
      ],
    ],
    ['A=""', [['A', '']]],
    [
      'A=1\nA=2',
      [
        ['A', '1'],
        ['A', '2'],
      ],
    ],
    ['A=a=b', [['A', 'a=b']]],
  ])('%j', (text, expected) => {
    const { variables, errors } = parseEnvFile(text);
    expect(variables.map(({ name, value }) => [name, value])).toEqual(expected);
    expect(errors).toEqual([]);
  });

  it.each([
    ['nonsense', 1, /NAME=value/],
    ['A=1\n1B=2', 2, /NAME=value/],
    ['A="\nx"\nB C=1', 3, /NAME=value/],
    ['\nA="x', 2, /never closed/],
    ["A='x' y", 1, /follows the closing/],
  ])('%j is wrong in line %i', (text, line, message) => {
    expect(parseEnvFile(text).errors).toEqual([{ line, message: expect.stringMatching(message) }]);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseEnvFile(text)));
  });
});
