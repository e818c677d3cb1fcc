import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { globalKeys } from '../../src/dialects/gitlab/keywords/default.ts';
import { keywords, notRunJobKeywords } from '../../src/dialects/gitlab/keywords/index.ts';
import { compileText } from '../support/compile-text.ts';

const folder = fileURLToPath(new URL('../../src/dialects/gitlab/keywords', import.meta.url));

/** Every keyword of GitLab's language that may stand in a job or at the top level, as of the reference. */
const all = `
  after_script allow_failure artifacts before_script cache coverage dast_configuration default dependencies environment
  except extends hooks id_tokens identity image include inherit inputs interruptible manual_confirmation needs only pages
  parallel publish release resource_group retry rules run script secrets services spec stage stages start_in tags timeout
  trigger variables when workflow
`
  .trim()
  .split(/\s+/);

describe('keywords', () => {
  it('are all known, one file each', () => {
    const known = keywords.map(({ name }) => name);
    expect([...known, 'default'].sort()).toEqual(all);
    const files = readdirSync(folder).filter((name) => name !== 'index.ts');
    expect(files.sort()).toEqual(all.map((name) => `${name.replaceAll('_', '-')}.ts`).sort());
  });

  it('at the top level are those that jobs may not be called', () => {
    const global = keywords.filter(({ scopes }) => scopes.includes('global') || scopes.includes('header'));
    expect([...globalKeys].sort()).toEqual(['default', ...global.map(({ name }) => name)].sort());
  });

  it.each(notRunJobKeywords.map(({ name }) => name))('%s gives exactly one warning of its own', async (name) => {
    const { diagnostics } = await compileText(`.x: { ${name}: { a: b } }\nbuild: { extends: .x, script: [make] }\n`);
    const told = diagnostics.filter(({ code }) => code === 'gitlab/not-run-yet');
    expect(told.map(({ severity, message }) => [severity, message.split(' ')[0]])).toEqual([
      ['warning', `\`${name}\``],
    ]);
  });
});
