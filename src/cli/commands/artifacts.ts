import { existsSync } from 'node:fs';
import { exitCodes } from '../exit-code.ts';
import { chooseJobs, findRun, type RunChoice } from '../find-run.ts';
import { type Invocation, print, printJson } from '../invocation.ts';

/** Options of `ci artifacts`: of which run, and as a table or as JSON. */
export type ArtifactsOptions = RunChoice & { readonly format: 'text' | 'json' };

/** `ci artifacts [JOB]`: where the artifacts of the last run, or of `--run ID`, lie. */
export async function artifacts(
  invocation: Invocation,
  [job]: readonly string[],
  options: ArtifactsOptions,
): Promise<number> {
  const stored = await findRun(invocation, options);
  const found = chooseJobs(stored, job).flatMap((id) =>
    stored.state.jobs[id]!.artifacts.map(({ type, name, path, files, totalBytes }) => ({
      job: id,
      type,
      name,
      path,
      files,
      totalBytes,
      ...(existsSync(path) ? {} : { expired: true }),
    })),
  );
  if (options.format === 'json') {
    await printJson(invocation, { schema: 'ci/1', run: stored.run.id, artifacts: found });
    return exitCodes.ok;
  }
  if (found.length === 0) {
    await print(
      invocation.stderr,
      `ci: run ${stored.run.id} left no artifacts${job === undefined ? '' : ` of ${job}`}\n`,
    );
    return exitCodes.ok;
  }
  const { renderTable } = await import('../../reporters/table.ts');
  const { oneLine } = await import('../../reporters/terminal-text.ts');
  const rows = found.map(({ job: id, type, files, path, expired }) => [
    oneLine(id, { color: false }),
    type,
    String(files),
    expired ? `${path} (expired)` : path,
  ]);
  const lines = renderTable(rows, { header: ['job', 'type', 'files', 'path'], rightAligned: [2] });
  await print(invocation.stdout, `${lines.join('\n')}\n`);
  return exitCodes.ok;
}
