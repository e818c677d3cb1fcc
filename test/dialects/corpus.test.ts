import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fileLoader } from '../../src/sources/file-loader.ts';
import { compileText } from '../support/compile-text.ts';

/**
 * Pipeline files of public repositories, where they lie beside this repository. `CORPUS_TABLE=1` prints what became of
 * each.
 */
const folder = fileURLToPath(new URL('../../../shared/corpus/gitlab-real', import.meta.url));
const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yml')) : [];
/** Files that GitLab refuses too: they extend what neither they nor their includes define. */
const broken: Readonly<Record<string, readonly string[]>> = {
  'NVIDIA+mig-parted.yml': ['gitlab/unknown-extends', 'gitlab/unknown-extends'],
  'NVIDIA+nvidia-container-toolkit.yml': ['gitlab/unknown-extends', 'gitlab/missing-script'],
};
/** Files whose local includes are not there. */
const withoutIncludes: readonly string[] = ['libvirt+libvirt-dbus.yml', 'libvirt+libvirt-go-module.yml'];
const table = process.env['CORPUS_TABLE'] === '1';

describe.skipIf(names.length === 0)('real pipeline files', () => {
  it.each(names)('%s has no error', async (name) => {
    const includes = join(folder, name.replace(/\.yml$/, '.includes'));
    const loader = fileLoader({ root: existsSync(includes) ? includes : join(folder, 'none'), env: {} });
    const text = readFileSync(join(folder, name), 'utf8');
    const { compiled, diagnostics } = await compileText(text, { loader });
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    if (table) {
      const jobs = compiled?.pipeline.jobs.length ?? 0;
      console.log(`${name}: ${jobs} jobs, ${errors.length} errors, ${diagnostics.length - errors.length} warnings`);
      for (const { severity, code, message } of diagnostics) console.log(`    ${severity} ${code} ${message}`);
    }
    const expected = withoutIncludes.includes(name) ? ['gitlab/include-not-found'] : (broken[name] ?? []);
    expect(errors.map(({ code }) => code)).toEqual(expected);
    if (expected.length === 0) expect(compiled?.pipeline.jobs.length).toBeGreaterThan(0);
  });
});
