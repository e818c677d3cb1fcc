import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { projectCheckouts } from '../../src/context/project-checkouts.ts';
import { ciCodes } from '../../src/diagnostics/codes/ci.ts';
import { circleCodes } from '../../src/diagnostics/codes/circle.ts';
import { gitlabCodes } from '../../src/diagnostics/codes/gitlab.ts';
import { hasErrors } from '../../src/diagnostics/diagnostic.ts';
import { elsewhere } from '../../src/sources/elsewhere.ts';
import { fileLoader } from '../../src/sources/file-loader.ts';
import type { IncludeAccess } from '../../src/sources/include-access.ts';
import { emptyLock } from '../../src/sources/include-lock.ts';
import { includeStore } from '../../src/sources/include-store.ts';
import { compileText } from '../support/compile-text.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** As for `ci fetch` on a machine that has fetched nothing yet, in a repository without `origin`. */
const nothingFetched: IncludeAccess = {
  policy: 'when-needed',
  store: includeStore('/nowhere'),
  lock: emptyLock,
  scratch: '/nowhere',
  env: {},
  server: () => undefined,
  token: () => undefined,
  allowed: { entries: [] },
  orbs: { url: 'https://registry.invalid' },
  nowMs: 0,
  limit: (work) => work(),
  onLocked: () => {},
  onMissing: () => {},
  onNotice: () => {},
};

const files: Readonly<Record<string, string>> = {
  ci: '.ci.yml',
  circle: '.circleci/config.yml',
  gitlab: '.gitlab-ci.yml',
};

async function compileCase(area: string, name: string) {
  const folder = join(fixtures, area, name);
  const file = files[area]!;
  const text = readFileSync(join(folder, file), 'utf8');
  const args = readFileSync(join(folder, 'case.yml'), 'utf8');
  const mapped = [...args.matchAll(/--project, ([^=]+)=([^\],]+)/g)].map(([, name, path]) => [
    name!,
    join(folder, path!),
  ]);
  const projects = projectCheckouts({
    mapped: new Map(mapped as [string, string][]),
    own: () => ({ path: 'group/project', root: folder }),
    env: {},
  });
  const workflows = [...args.matchAll(/--workflow, ([^\],]+)/g)].map(([, workflow]) => workflow!);
  const loader = fileLoader({
    root: folder,
    env: {},
    projects,
    ...(args.includes('fetch') ? { elsewhere: async () => elsewhere(nothingFetched) } : {}),
  });
  return { text, ...(await compileText(text, { file, loader, workflows, remarks: 'all' })) };
}

describe.each([
  ['gitlab', Object.keys(gitlabCodes)],
  ['ci', Object.keys(ciCodes)],
  ['circle', Object.keys(circleCodes)],
])('the fixtures of %s', (area, codes) => {
  it.each(codes)('produce %s, with a place if it has one', async (code) => {
    const { diagnostics } = await compileCase(area, code.split('/')[1]!);
    const told = diagnostics.filter((diagnostic) => diagnostic.code === code);
    expect(told.length, JSON.stringify(diagnostics)).toBeGreaterThan(0);
    // A mistake of the command line has no place in the file.
    for (const { span, blames } of told) if (blames === undefined) expect(span).toBeDefined();
  });

  it.each(readdirSync(join(fixtures, area)))('%s is right about errors', async (name) => {
    const folder = join(fixtures, area, name);
    if (!existsSync(join(folder, files[area]!))) return;
    const exit = /^exit: (\d)/m.exec(readFileSync(join(folder, 'case.yml'), 'utf8'))?.[1];
    if (!/lint/.test(readFileSync(join(folder, 'case.yml'), 'utf8'))) return;
    const { diagnostics } = await compileCase(area, name);
    if (exit === '0') expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    else if (codes.includes(`${area}/${name}`)) expect(hasErrors(diagnostics)).toBe(true);
  });
});
