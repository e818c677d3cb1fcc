// Runs commands of a fresh bundle on a small project and keeps what V8 compiled for them beside it.
// With `--run DIST ARGS…`: runs one command and keeps what is compiled then, which the build does in a process each.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const { loadBundle, packagePlace, startBundle, writeCompiled } = require('../bin/bundle.js');

/** What people do most. Later ones keep what earlier ones compiled into the same file. */
const commands = [
  ['lint'],
  ['list'],
  ['plan'],
  ['run', '--executor', 'shell', '--isolation', 'copy', '--reporter', 'plain'],
];

const project = `stages: [build, test]
build:
  stage: build
  script: ["true"]
test:
  stage: test
  rules:
    - if: $CI_COMMIT_BRANCH =~ /^ma/ || $CI_COMMIT_BRANCH
  script: ["true"]
`;

/**
 * Writes `ci.read.compiled` and `ci.compiled` into the folder of a bundle.
 * @throws Error when a command fails.
 */
export async function compileAhead(dist) {
  const directory = await mkdtemp(join(tmpdir(), 'ci-build-'));
  try {
    await writeFile(join(directory, '.gitlab-ci.yml'), project);
    for (const args of commands) {
      await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), '--run', dist, ...args], {
        cwd: directory,
        env: { ...process.env, CI_CLI_HOME: join(directory, 'home') },
      });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--run') {
  const [, script, , dist, ...args] = process.argv;
  const place = packagePlace(dist, args[0]);
  const loaded = loadBundle(join(dist, 'ci.js'), [place]);
  process.argv = [process.execPath, script, ...args];
  process.on('exit', (code) => {
    if (code === 0) writeCompiled(loaded, place);
  });
  startBundle(loaded, require);
}
