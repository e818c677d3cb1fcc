import { randomBytes } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import type { KeptPlace } from '../../executors/executor.ts';
import type { JobDeps, JobPlace } from '../../job/job-run.ts';
import type { Emit } from '../../model/event.ts';
import type { PlanNode } from '../../model/plan.ts';
import { type KeptJob, noteKept, readKeptJobs } from '../../stores/kept-places.ts';
import { listKeptDirectories } from '../../stores/prune-runs.ts';
import type { Run } from '../../stores/run-store.ts';
import type { Clock } from '../../util/clock.ts';
import { shellQuote } from '../../util/shell-quote.ts';
import { worthALook } from './worth-a-look.ts';

type KeptRun = Pick<Run, 'id' | 'keptDirectory'>;

/** `--on-failure keep`: what to do when a script of a job fails. */
export function keptJobs(given: {
  readonly run: KeptRun;
  /** Of all pipelines of the run, by id. */
  readonly nodes: ReadonlyMap<string, PlanNode>;
  readonly emit: Emit;
  readonly clock: Clock;
}): NonNullable<JobDeps['onScriptFailure']> {
  const { run, emit, clock } = given;
  const isWorthALook = worthALook(given.nodes);
  return async (place, failure) => {
    if (!isWorthALook(place, failure)) return;
    const kept = await keep(run, place);
    if (kept === undefined) return;
    const message = `kept: ${kept.name}; to go in: ${kept.enter}; \`ci clean\` removes it`;
    emit({ type: 'notice', at: clock.now(), job: place.spec.id, message });
  };
}

async function keep(run: KeptRun, place: JobPlace): Promise<KeptJob | undefined> {
  const { spec, session } = place;
  if (session.keep === undefined) return undefined;
  const readable = spec.id.replaceAll(/[^a-zA-Z0-9_.-]+/g, '-').slice(0, 40);
  const file = `${session.temporaryDirectory}/enter`;
  await session.files.write(file, Buffer.from(await entrance(place)), 0o700);
  let takeBack: (() => Promise<void>) | undefined;
  const recordOf = ({ name, commandFor }: KeptPlace): KeptJob => ({ job: spec.id, name, enter: commandFor(file) });
  try {
    const kept = await session.keep(`${run.id}-${readable}-${randomBytes(3).toString('hex')}`, async (place) => {
      takeBack = await noteKept(run, recordOf(place));
    });
    return recordOf(kept);
  } catch (error) {
    await takeBack?.();
    throw error;
  }
}

/** A script that gives a shell in the job's environment, but for what holds a secret: it lies there for long. */
async function entrance({ env, directory, log, session }: JobPlace): Promise<string> {
  const lines = ['#!/bin/sh'];
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    if ((await log.masked(value)) === value) lines.push(`export ${name}=${shellQuote(value)}`);
    else lines.push(`# ${name} holds a secret and is not kept`);
  }
  lines.push(`cd ${shellQuote(directory)} || exit 1`, `exec ${session.shell === 'bash' ? 'bash --norc' : 'sh'} "$@"`);
  return `${lines.join('\n')}\n`;
}

/** Names of what was kept, of all projects: containers among them. */
export async function keptContainers(stateDirectory: string): Promise<ReadonlySet<string>> {
  const directories = await listKeptDirectories(stateDirectory);
  return new Set(directories.flatMap((keptDirectory) => readKeptJobs({ keptDirectory })).map(({ name }) => name));
}

/** Where nothing was kept there is no directory. */
export async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch(() => {});
}
