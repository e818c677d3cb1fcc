import type { FileTree } from '../model/files.ts';
import { type Outcome, SystemError } from '../model/outcome.ts';
import type { Repository } from '../model/repository.ts';
import { assertNever } from '../util/assert-never.ts';
import type { JobRun } from './job-run.ts';
import { notPut, pathIn } from './session-path.ts';

/** Puts the sources into the job's directory, or into one below it. @throws SystemError when they can't be had. */
export async function checkout(run: JobRun, path: string): Promise<Outcome | undefined> {
  const { spec, log, variables } = run;
  const { source } = spec;
  const strategy = variables.get('GIT_STRATEGY');
  if (source.kind !== 'repository' && (strategy === 'none' || strategy === 'empty')) {
    await log.info('Skipping Git repository setup');
    return undefined;
  }
  switch (source.kind) {
    case 'snapshot':
      return put(run, path, source.tree, 'Taking the working tree as it was when the run started');
    case 'in-place':
      await log.info(`Working in ${source.directory} itself`);
      return undefined;
    case 'repository': {
      const fetched = await fetchSources(run, source.repository);
      if (fetched === undefined) return undefined;
      for (const { path: secret, content } of fetched.secrets) {
        run.secretFiles.push(secret);
        await run.session.files.write(secret, Buffer.from(content), 0o600);
      }
      return put(run, path, fetched.tree);
    }
    case 'none':
      return undefined;
    default:
      return assertNever(source);
  }
}

async function put(run: JobRun, path: string, tree: FileTree, line?: string): Promise<Outcome | undefined> {
  const { spec, session, variables, limits, log } = run;
  const at = pathIn(spec, session, variables.expand(path));
  const refused = await session.files.refuses?.(at);
  if (refused !== undefined) return notPut('the sources', at, refused);
  if (line !== undefined) await log.info(line);
  await session.files.put(tree, at, limits.soft);
  return undefined;
}

function fetchSources({ deps, spec, session, log, variables, limits }: JobRun, repository: Repository) {
  if (deps.sources === undefined) throw new SystemError('runner_system_failure', 'nobody fetches sources here');
  return deps.sources.fetch(repository, {
    job: spec,
    variable: variables.get,
    temporaryDirectory: session.temporaryDirectory,
    say: log.info,
    warn: log.warning,
    output: log.stdout,
    signal: limits.soft,
  });
}
