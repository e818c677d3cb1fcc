import { defineConfig, type Plugin } from 'vitest/config';

/** As the bundle has it: files with programs in other languages are imported as texts. */
const texts: Plugin = {
  name: 'texts',
  transform: (code, id) =>
    /\.(awk|pl|sh)$/.test(id) ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
};

export default defineConfig({
  plugins: [texts],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
