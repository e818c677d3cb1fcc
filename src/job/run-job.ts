import { noOutputs, type Outcome, type Outputs, type ResourceUse } from '../model/outcome.ts';
import type { JobLease } from '../model/ports.ts';
import { isWorthTelling, resourceText } from '../model/resource-text.ts';
import { watchCoverage } from './coverage.ts';
import { expandSpec } from './expand-spec.ts';
import { type JobLimits, startLimits } from './job-limits.ts';
import { createJobLog, type JobLog } from './job-log.ts';
import type { JobDeps, JobRun } from './job-run.ts';
import { type JobVariables, jobVariables, maskedValues, type VariableInput } from './job-variables.ts';
import { live } from './life.ts';
import { outputsOf } from './outputs.ts';
import { pullEvents } from './pull-events.ts';
import { refusalOf } from './refusal.ts';
import { surroundingsFailed } from './surroundings-failed.ts';
import { keepTestTimings, putTestTimings } from './test-timings.ts';
import { waitForVisitors } from './visitors.ts';

/**
 * Lives one try of a job: opens a session, works off the steps, cleans up, writes the log as GitLab Runner does.
 * @returns how it ended and what it leaves. The surroundings failing is an outcome.
 * @throws bugs of ours, after cleaning up.
 */
export async function runJob(
  lease: JobLease,
  deps: JobDeps,
): Promise<{ readonly outcome: Outcome; readonly outputs: Outputs }> {
  const { spec } = lease;
  const { clock, emit } = deps;
  const coverage = spec.coverage === undefined ? undefined : watchCoverage(spec.coverage);
  const input: VariableInput = {
    spec,
    runner: deps.runner,
    startedAt: clock.now(),
    concurrentId: deps.concurrentId ?? 0,
    ...(deps.concurrentProjectId === undefined ? {} : { concurrentProjectId: deps.concurrentProjectId }),
  };
  const before = jobVariables(input);
  const log = createJobLog({
    job: spec.id,
    sink: lease.log,
    emit,
    clock,
    secrets: [...(deps.secrets ?? []), ...maskedValues(spec, before)],
    ...(deps.tokenPrefixes === undefined ? {} : { tokenPrefixes: deps.tokenPrefixes }),
    maskingTables: deps.maskingTables,
    sections: deps.sections ?? 'plain',
    ...(coverage === undefined ? {} : { watch: coverage.push }),
  });
  const limits = startLimits(lease, clock);
  try {
    warnOfUnmasked(lease, deps, log);
    const { outcome: told, outputs } = await inSession(lease, deps, { input, before, log, limits });
    const outcome = await withoutSecrets(log, told);
    await tellVerdict(log, outcome);
    const percent = coverage?.finish();
    return { outcome, outputs: percent === undefined ? outputs : { ...outputs, coverage: percent } };
  } finally {
    limits.stop();
    await log.end();
    await log.flush();
  }
}

interface Opening {
  readonly input: VariableInput;
  /** As they are while the place of the job is not known. */
  readonly before: JobVariables;
  readonly log: JobLog;
  readonly limits: JobLimits;
}

async function inSession(
  lease: JobLease,
  deps: JobDeps,
  { input, before, log, limits }: Opening,
): Promise<{ readonly outcome: Outcome; readonly outputs: Outputs }> {
  const { spec } = lease;
  const name = deps.executor.name;
  await log.line(`Running with ${deps.runner.name} ${deps.runner.version} (${deps.runner.revision})`);
  for (const line of deps.greeting?.runner ?? []) await log.line(line);
  for (const text of deps.greeting?.warnings ?? []) await log.warning(text);
  await log.begin({ name: 'prepare_executor', caption: `Preparing the "${name}" executor`, phase: 'prepare' });
  const refused = refusalOf(spec);
  if (refused !== undefined) return { outcome: refused, outputs: noOutputs };
  const expanded = expandSpec(spec, before);
  const inWhat = deps.greeting?.executor(expanded);
  if (inWhat !== undefined) await log.line(inWhat);
  const opened = await openSession(deps, expanded, log, limits);
  if ('outcome' in opened) return { outcome: opened.outcome, outputs: noOutputs };
  await using session = opened.session;
  // They go before the place does.
  await using _ = { [Symbol.asyncDispose]: async () => deps.visitors?.close() };
  const variables = jobVariables({ ...input, place: session });
  for (const value of maskedValues(spec, variables)) log.hide(value);
  const run: JobRun = {
    ...{ spec, deps, session, variables, log, limits },
    ...{ cacheKeys: new Map(), restoredCaches: new Map(), secretFiles: [], artifacts: [], dotenv: [] },
  };
  await log.begin({ name: 'prepare_script', caption: 'Preparing environment', phase: 'prepare' });
  await tellPlace(run);
  const outcome = await writeFiles(run).then((failure) => failure ?? live(run));
  await waitForVisitors(run);
  if (outcome.status === 'success') await keepTestTimings(run);
  const resources = await session.stats?.();
  await cleanUp(run, resources);
  return { outcome, outputs: await outputsOf(run, outcome, resources) };
}

async function tellPlace({ spec, session, log }: JobRun): Promise<void> {
  await log.line(session.where);
  if (spec.directory?.startsWith('/') && session.directory !== spec.directory) {
    await log.line(`Working in ${session.directory}, which stands for ${spec.directory}`);
  }
}

async function openSession(
  deps: JobDeps,
  spec: JobLease['spec'],
  log: JobLog,
  limits: JobLimits,
): Promise<{ readonly session: JobRun['session'] } | { readonly outcome: Outcome }> {
  const pulls = pullEvents(spec.id, log, deps);
  try {
    limits.soft.throwIfAborted();
    return { session: await deps.executor.open(spec, log.system, limits.soft, pulls.watcher) };
  } catch (error) {
    return { outcome: surroundingsFailed(limits, error) };
  } finally {
    await pulls.told();
  }
}

async function writeFiles(run: JobRun): Promise<Outcome | undefined> {
  try {
    for (const { path, content } of run.variables.files) {
      await run.session.files.write(path, Buffer.from(content, 'utf8'), 0o600);
    }
    await putTestTimings(run);
    return undefined;
  } catch (error) {
    return surroundingsFailed(run.limits, error);
  }
}

/** Empties the files with secrets at once; the session removes them with all else when it is disposed. */
async function cleanUp(run: JobRun, used: ResourceUse | undefined): Promise<void> {
  const caption = 'Cleaning up project directory and file based variables';
  await run.log.begin({ name: 'cleanup_file_variables', caption, phase: 'finish' });
  for (const path of [...run.variables.files.map((file) => file.path), ...run.secretFiles]) {
    // A session that is gone has no files left to empty.
    await run.session.files.write(path, new Uint8Array(0), 0o600).catch(() => {});
  }
  if (used !== undefined && isWorthTelling(used)) await run.log.line(`Used ${resourceText(used)}`);
  await run.log.end();
}

function warnOfUnmasked({ spec }: JobLease, { emit, clock }: JobDeps, log: JobLog): void {
  const refused = new Set(log.refused);
  const names = spec.variables.filter(({ value, masked }) => masked && refused.has(value)).map(({ name }) => name);
  if (names.length === 0) return;
  const message = `${names.join(', ')}: shorter than 4 characters, so not masked in logs`;
  emit({ type: 'warning', at: clock.now(), job: spec.id, message });
}

/** The message goes into events and reports, past the log: an image's name may hold a masked variable. */
async function withoutSecrets(log: JobLog, outcome: Outcome): Promise<Outcome> {
  if (outcome.status !== 'failed' || outcome.message === undefined) return outcome;
  return { ...outcome, message: await log.masked(outcome.message) };
}

async function tellVerdict(log: JobLog, outcome: Outcome): Promise<void> {
  await log.end();
  switch (outcome.status) {
    case 'success':
      await log.info('Job succeeded');
      break;
    case 'canceled':
      await log.error('Job failed: canceled');
      break;
    case 'failed': {
      const fault = outcome.reason === 'runner_system_failure' ? ' (system failure)' : '';
      await log.error(`Job failed${fault}: ${outcome.message ?? outcome.reason}`);
      if (outcome.hint !== undefined) await log.hint(outcome.hint);
      break;
    }
    default:
      break;
  }
}
