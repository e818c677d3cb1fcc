import { defineConfig, type Plugin } from 'vitest/config';

/** As the bundle has it: files with programs in other languages are imported as texts. */
const texts: Plugin = {
  name: 'texts',
  transform: (code, id) =>
    /\.(awk|pl|sh)$/.test(id) ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
};

/** Tests of functions: they share their processes and modules (nothing in `src/` has state), and two run at once. */
const functions = [
  'context,diagnostics,dialects,expressions,gitlab-server,job,masking,plan,reporters,runner,schedule,sources,stores',
  'syntax,workspaces',
].join(',');

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    projects: [
      {
        plugins: [texts],
        test: {
          name: 'functions',
          include: [`test/{${functions}}/**/*.test.ts`, 'test/*.test.ts'],
          exclude: ['test/fixtures.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          pool: 'forks',
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [texts],
        test: {
          name: 'programs',
          include: ['test/**/*.test.ts'],
          exclude: [`test/{${functions}}/**`, 'test/architecture.test.ts', 'test/docs.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          pool: 'forks',
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
