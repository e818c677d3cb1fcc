import { describe, expect, it } from 'vitest';
import { readImageName } from '../../../src/executors/docker/image-name.ts';
import { withTag } from '../../../src/model/image-name.ts';
import { SystemError } from '../../../src/model/outcome.ts';

const digest = `sha256:${'a1'.repeat(32)}`;

describe('the name of an image', () => {
  it.each([
    ['node', 'node:latest', 'docker.io', 'docker.io/library/node'],
    ['node:20-alpine', 'node:20-alpine', 'docker.io', 'docker.io/library/node'],
    ['docker.io/node', 'docker.io/node:latest', 'docker.io', 'docker.io/library/node'],
    ['index.docker.io/library/node', 'index.docker.io/library/node:latest', 'docker.io', 'docker.io/library/node'],
    ['group/app', 'group/app:latest', 'docker.io', 'docker.io/group/app'],
    ['localhost/app', 'localhost/app:latest', 'localhost', 'localhost/app'],
    ['localhost:5000/app', 'localhost:5000/app:latest', 'localhost:5000', 'localhost:5000/app'],
    [
      'Registry.Example.com/g/s/app:V1',
      'Registry.Example.com/g/s/app:V1',
      'registry.example.com',
      'registry.example.com/g/s/app',
    ],
    ['[::1]:5000/app:1', '[::1]:5000/app:1', '[::1]:5000', '[::1]:5000/app'],
    [`app@${digest}`, `app@${digest}`, 'docker.io', 'docker.io/library/app'],
    [`h:1/app:2@${digest}`, `h:1/app:2@${digest}`, 'h:1', 'h:1/app'],
  ])('%s', (given, text, registry, path) => {
    expect(readImageName(given)).toEqual({ kind: 'name', text, registry, path });
  });

  it.each([
    ['0123456789ab', '0123456789ab'],
    [digest.slice(0, 30), digest.slice(7, 30)],
    ['0123456789a', undefined],
    ['group/0123456789ab', undefined],
  ])('may be the begin of an id: %s', (given, shortId) => {
    expect([readImageName(given).kind, readImageName(given).shortId]).toEqual(['name', shortId]);
  });

  it.each([digest, digest.slice(7)])('can be its id: %s', (id) => {
    expect(readImageName(id)).toMatchObject({ kind: 'id', text: id });
  });

  it.each([
    ['', /name is empty/, /variable/],
    ['Node:20', /`Node:20` can't be .* lower case/, /did you mean `node:20`/],
    ['registry.example.com/Group/App:V1', /lower case/, /`registry\.example\.com\/group\/app:V1`/],
    ['https://registry.example.com/app:1', /an address/, /write `registry\.example\.com\/app:1`/],
    ['registry.example.com/:1', /can't be/, /variable/],
    ['app:', /can't be/, /expected/],
    ['app:a b', /can't be/, /expected/],
    ['app@sha256:12', /can't be/, /expected/],
    ['a//b', /can't be/, /expected/],
    ['-v', /can't be/, /expected/],
    ['../../etc', /can't be/, /expected/],
    ['app?x=1', /can't be/, /expected/],
  ])('is refused before the engine is asked: %s', (given, message, hint) => {
    const error = (() => {
      try {
        return readImageName(given);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ reason: 'image_pull_failure', message: expect.stringMatching(message) });
    expect((error as SystemError).hint).toMatch(hint);
  });

  it('gets a tag where there is none', () => {
    expect(['a', 'a:1', 'h:5000/a', 'h:5000/a:1', 'a@sha256:0'].map(withTag)).toEqual([
      'a:latest',
      'a:1',
      'h:5000/a:latest',
      'h:5000/a:1',
      'a@sha256:0',
    ]);
  });
});
