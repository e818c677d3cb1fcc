import { findEngine } from '../../executors/docker/engine.ts';
import { once } from '../../util/once.ts';
import { CommandError } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { isValid, loadPipeline } from '../load-pipeline.ts';
import { defaultSelection, planOf } from '../load-plan.ts';
import { findLocations } from '../locations.ts';
import type { FileOptions } from '../options.ts';
import { enclosingRepository, findPipelineFile } from '../pipeline-file.ts';
import { engineLocation } from '../run/executors.ts';
import { loadSettings, type Settings } from '../settings.ts';
import type { Machine, PipelineFacts } from './check.ts';

/** Gathers what checks look at. */
export async function examineMachine(invocation: Invocation, options: FileOptions): Promise<Machine> {
  const locations = findLocations(invocation.env);
  let settings: Settings | undefined;
  let settingsProblem: string | undefined;
  try {
    settings = await loadSettings(locations, projectRoot(invocation, options), invocation.env);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    settingsProblem = error.message;
  }
  return {
    invocation,
    locations,
    settings,
    settingsProblem,
    uid: process.getuid?.(),
    engine: once(() => findEngine(engineLocation(invocation.env, settings?.engineHost))),
    pipeline: once(() => pipelineFacts(invocation, options, settings)),
  };
}

function projectRoot(invocation: Invocation, { file }: FileOptions): string {
  try {
    return findPipelineFile(invocation.cwd, file).root;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return enclosingRepository(invocation.cwd) ?? invocation.cwd;
  }
}

/** Plans, as `ci list` does: nothing of the file is run. */
async function pipelineFacts(
  invocation: Invocation,
  options: FileOptions,
  settings: Settings | undefined,
): Promise<PipelineFacts> {
  let name: string;
  try {
    name = findPipelineFile(invocation.cwd, options.file).path;
  } catch (error) {
    if (error instanceof CommandError) return { kind: 'none' };
    throw error;
  }
  try {
    const loaded = await loadPipeline(invocation, options, { facts: 'when wanted' });
    const executor = (settings?.options['executor'] ?? 'auto') as 'auto' | 'shell' | 'docker' | 'ssh';
    const plan = isValid(loaded) ? planOf(loaded, { ...defaultSelection, executor }) : undefined;
    if (plan === undefined) return { kind: 'invalid', name: loaded.name };
    const included = plan.decisions.filter((decision) => decision.included);
    const jobsInDocker = included.filter((decision) => decision.executor === 'docker').length;
    return { kind: 'valid', name: loaded.name, jobsInDocker, jobsInShell: included.length - jobsInDocker };
  } catch (error) {
    if (error instanceof CommandError) return { kind: 'invalid', name };
    throw error;
  }
}
