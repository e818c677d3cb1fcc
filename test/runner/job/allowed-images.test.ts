import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { jobRefused } from '../../../src/runner/job/allowed-images.ts';

const span = { file: '', start: 0, end: 0 };
const job = (image: string, ...services: string[]) => ({
  image: { name: image, span },
  services: services.map((name) => ({ name, span, aliases: [], variables: [] })),
});
const docker = (table: Record<string, unknown>) =>
  readConfig({ runners: [{ docker: { image: 'own', ...table } }] }, {}).config.runners[0]!.docker!;

describe('images that a job may use', () => {
  it.each([
    ['anything without a list', 'evil', {}, undefined],
    ['what the file names itself', 'own', { allowed_images: ['ruby:*'] }, undefined],
    ['what fits', 'ruby:3.3', { allowed_images: ['ruby:*'] }, undefined],
    ['what lies deeper', 'registry.example.com/a/b/c:1', { allowed_images: ['registry.example.com/**'] }, undefined],
    [
      'nothing that lies deeper than the pattern',
      'my/ruby:3',
      { allowed_images: ['ruby:*'] },
      ['ERROR: The "my/ruby:3" image is not present on list of allowed images:', '- ruby:*'],
    ],
    ['nothing else', 'evil', { allowed_images: ['ruby:*', 'node'] }, expect.arrayContaining(['- ruby:*', '- node'])],
  ])('are %s', (_, image, table, expected) => {
    const refused = jobRefused(job(image), docker(table));
    if (expected === undefined) expect(refused).toBeUndefined();
    else expect(refused).toMatchObject({ message: 'disallowed image', lines: expected as unknown });
  });

  it('services have a list and a number of their own', () => {
    const table = { allowed_services: ['postgres:*'], services: [{ name: 'mine' }] };
    expect(jobRefused(job('x', 'postgres:16', 'mine'), docker(table))).toBeUndefined();
    expect(jobRefused(job('x', 'redis'), docker(table))?.lines).toContain(
      'ERROR: The "redis" image is not present on list of allowed services:',
    );
    expect(jobRefused(job('x', 'a', 'b'), docker({ services_limit: 1 }))?.message).toContain('services_limit is 1');
    expect(jobRefused(job('x', 'a'), docker({ services_limit: 0 }))?.message).toContain('services_limit is 0');
    expect(jobRefused(job('x', 'a', 'b'), docker({ services_limit: -1 }))).toBeUndefined();
  });

  // Of GitLab Runner's own tests: what a pattern means for names with a registry, and for names without a tag.
  it.each([
    ['ruby', ['*'], true],
    ['ruby:3.3', ['*'], true],
    ['ruby:latest', ['*:latest'], true],
    ['ruby', ['ruby:*'], false],
    ['library/ruby', ['*/*'], true],
    ['library/ruby', ['*'], false],
    ['library/ruby:3', ['*/*:*'], true],
    ['library/ruby', ['*/*:*'], false],
    ['my.registry.tld/library/ruby', ['my.registry.tld/*/*'], true],
    ['my.registry.tld/group/subgroup/ruby', ['my.registry.tld/*/*'], false],
    ['my.registry.tld/group/subgroup/ruby', ['my.registry.tld/**/*'], true],
    ['my.registry.tld/group/subgroup/ruby:3', ['my.registry.tld/*/*/*:*'], true],
    ['my.registry.tld/ruby', ['my.registry.tld/**/*'], true],
    ['library/ruby', ['**/*:*'], false],
    ['evil.tld/my.registry.tld/ruby', ['my.registry.tld/**'], false],
    ['my.registry.tld.evil/ruby', ['my.registry.tld/**'], false],
    ['myXregistry', ['my.registry'], false],
    ['a@sha256:0', ['a@sha256:*'], true],
    ['anything', ['[broken'], false],
    ['my.registry.tld/../evil', ['my.registry.tld/*'], false],
  ])('%s of %j: %s', (image, allowed_images, isAllowed) => {
    expect(jobRefused(job(image), docker({ allowed_images })) === undefined).toBe(isAllowed);
  });

  it.each([
    ['', {}, undefined],
    ['anybody', {}, undefined],
    ['', { allowed_users: ['a'] }, undefined],
    ['a', { allowed_users: ['a', 'b'] }, undefined],
    ['c', { allowed_users: ['a', 'b'] }, 'user "c" is not an allowed user: [a b]'],
    ['0', { allowed_users: ['1000'] }, 'user "0" is not an allowed user: [1000]'],
    ['root', { user: 'me' }, undefined],
    ['root', { user: 'me', allowed_users: ['root'] }, 'user "me" is not an allowed user: [root]'],
  ])('user %j with %j', (user, table, message) => {
    const image = { name: 'x', span, ...(user === '' ? {} : { user }) };
    expect(jobRefused({ image, services: [] }, docker(table))?.message).toBe(message);
  });
});
