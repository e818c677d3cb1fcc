import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { refusedImage } from '../../../src/runner/job/allowed-images.ts';

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
      /"my\/ruby:3" image is not present on list of allowed images: ruby:\*/,
    ],
    ['nothing else', 'evil', { allowed_images: ['ruby:*', 'node'] }, /allowed images: ruby:\*, node/],
  ])('are %s', (_, image, table, expected) => {
    const refused = refusedImage(job(image), docker(table));
    if (expected === undefined) expect(refused).toBeUndefined();
    else expect(refused).toMatch(expected);
  });

  it('services have a list and a number of their own', () => {
    const table = { allowed_services: ['postgres:*'], services: [{ name: 'mine' }] };
    expect(refusedImage(job('x', 'postgres:16', 'mine'), docker(table))).toBeUndefined();
    expect(refusedImage(job('x', 'redis'), docker(table))).toContain('"redis" service is not present');
    expect(refusedImage(job('x', 'a', 'b'), docker({ services_limit: 1 }))).toContain('services_limit is 1');
    expect(refusedImage(job('x', 'a'), docker({ services_limit: 0 }))).toContain('services_limit is 0');
    expect(refusedImage(job('x', 'a', 'b'), docker({ services_limit: -1 }))).toBeUndefined();
  });
});
