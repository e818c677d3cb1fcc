import { oneJob, row } from './one-job.ts';
import type { Row } from './row-cases.ts';

/** A variable of the job reaches it as any other; what becomes of it is tested where jobs are run. */
const steers = (id: string, ...names: readonly string[]) =>
  row(
    `variables/${id}` as Row['row'],
    names.map((name) => ({
      text: oneJob(`variables: { ${name}: "1" }`),
      jobs: { a: { variables: [{ name, value: '1' }] } },
    })),
    'any value is taken; one that means nothing has no effect',
  );

/** Variables by which a job steers its runner: see `docs/variables.md`. */
export const rows: readonly Row[] = [
  steers('GIT_STRATEGY', 'GIT_STRATEGY'),
  steers('GIT_DEPTH', 'GIT_DEPTH'),
  steers('GIT_SUBMODULE_STRATEGY', 'GIT_SUBMODULE_STRATEGY'),
  steers('GIT_CLEAN_FLAGS', 'GIT_CLEAN_FLAGS'),
  steers('GIT_CHECKOUT', 'GIT_CHECKOUT'),
  steers('GIT_CLONE_PATH', 'GIT_CLONE_PATH'),
  steers('ATTEMPTS', 'GET_SOURCES_ATTEMPTS', 'ARTIFACT_DOWNLOAD_ATTEMPTS', 'RESTORE_CACHE_ATTEMPTS'),
  steers('FF', 'FF_USE_FASTZIP'),
  steers('CI_DEBUG_TRACE', 'CI_DEBUG_TRACE'),
  steers('CI_DEBUG_SERVICES', 'CI_DEBUG_SERVICES'),
  steers('COMPRESSION_LEVEL', 'ARTIFACT_COMPRESSION_LEVEL', 'CACHE_COMPRESSION_LEVEL'),
];
