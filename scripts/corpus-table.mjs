// Prints what `ci lint` and `ci list` say of real pipeline files: `node scripts/corpus-table.mjs [FOLDER]`.
// FOLDER holds NAME.yml and, where it has some, NAME.includes/ with the local files that NAME includes.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the files lie when this repository is checked out beside them. */
export const defaultCorpus = join(root, '../shared/corpus/gitlab-real');

function ci(args, cwd, home) {
  return new Promise((resolve) => {
    const env = { ...process.env, CI_CLI_HOME: home, NO_COLOR: '1' };
    const options = { cwd, env, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [join(root, 'bin/ci.js'), ...args], options, (error, stdout, stderr) => {
      resolve({ exit: error === null ? 0 : (error.code ?? -1), stdout, stderr });
    });
  });
}

/** One row a file: exit codes, the codes of errors, the number of warnings, of jobs. */
export async function corpusTable(folder) {
  const rows = [];
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .sort()) {
    const base = mkdtempSync(join(tmpdir(), 'ci-corpus-'));
    try {
      const project = join(base, 'project');
      mkdirSync(project);
      const includes = join(folder, file.replace(/\.yml$/, '.includes'));
      if (existsSync(includes)) cpSync(includes, project, { recursive: true });
      cpSync(join(folder, file), join(project, '.gitlab-ci.yml'));
      const lint = await ci(['lint', '--format', 'json'], project, join(base, 'home'));
      const list = await ci(['list', '--format', 'json'], project, join(base, 'home'));
      const diagnostics = lint.exit <= 1 ? JSON.parse(lint.stdout).diagnostics : [];
      const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code);
      rows.push({
        file,
        lint: lint.exit,
        list: list.exit,
        jobs: list.exit === 0 ? JSON.parse(list.stdout).jobs.length : undefined,
        warnings: diagnostics.length - errors.length,
        errors: [...new Set(errors)],
      });
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  }
  return rows;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { file, lint, list, jobs, warnings, errors } of await corpusTable(process.argv[2] ?? defaultCorpus)) {
    const counts = `${String(jobs ?? '-').padStart(4)} jobs ${String(warnings).padStart(4)} warnings`;
    process.stdout.write(`${file.padEnd(44)} lint ${lint}  list ${list} ${counts}  ${errors.join(' ')}\n`);
  }
}
