import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Invocation } from '../../../src/cli/invocation.ts';
import { loadPlan } from '../../../src/cli/load-plan.ts';
import type { PipelineDescription } from '../description.ts';
import { describePlan } from './describe-plan.ts';

/**
 * The pipeline of a file: a description in JSON, or a `.gitlab-ci.yml` read by this project's own compiler.
 * @throws CommandError for a file that is wrong; its diagnostics have been printed.
 */
export async function readPipeline(
  project: string,
  file: string | undefined,
  root: string,
): Promise<PipelineDescription> {
  const path = file === undefined ? join(project, '.gitlab-ci.yml') : resolve(file);
  if (!existsSync(path)) throw new Error(`there is no file ${path}: name one with --pipeline`);
  if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8')) as PipelineDescription;
  const plain = { isTty: false, columns: undefined };
  const invocation: Invocation = {
    env: process.env,
    cwd: project,
    stdout: { stream: process.stdout, ...plain },
    stderr: { stream: process.stderr, ...plain },
    stdinIsTty: false,
    outputLost: new AbortController().signal,
    version: '0',
    packageRoot: pathToFileURL(root.endsWith('/') ? root : `${root}/`),
  };
  const { plan, loaded } = await loadPlan(invocation, [], {
    file: path,
    var: [],
    varFile: [],
    secret: [],
    stage: [],
    needs: true,
    manual: [],
    executor: 'docker',
  });
  const { branch, sha } = loaded.context.git;
  return { ...describePlan(plan), ...(branch === undefined ? {} : { ref: branch }), sha };
}
