import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineDescription } from './description.ts';
import type { Pipeline, Project } from './state/model.ts';
import type { Store } from './state/store.ts';
import { addJob, advance } from './state/transitions.ts';

export interface NewProject {
  /** `group/name`. Default: `group/project`. */
  readonly path?: string;
  /** A repository, bare or not; of one that is not, a bare copy is served. */
  readonly repository?: string;
  /** Default: 20, as for a new project on GitLab; `0`: the whole history. */
  readonly depth?: number;
}

/** Puts a project on the server. Copies that it makes are added to `made`. */
export function addProject(store: Store, given: NewProject, made: string[]): Project {
  const project: Project = {
    id: store.nextId(),
    path: given.path ?? 'group/project',
    repository: given.repository === undefined ? undefined : bareRepository(given.repository, made),
    depth: given.depth ?? 20,
    pendingDelete: false,
  };
  store.projects.push(project);
  return project;
}

function bareRepository(directory: string, made: string[]): string {
  if (git(directory, 'rev-parse', '--is-bare-repository') === 'true') return directory;
  const folder = mkdtempSync(join(tmpdir(), 'gitlab-server-'));
  made.push(folder);
  const copy = join(folder, 'project.git');
  git(folder, 'clone', '--quiet', '--bare', directory, copy);
  return copy;
}

/** Starts a pipeline; with a repository its commit is kept under `refs/pipelines/ID`. */
export function addPipeline(store: Store, project: Project, description: PipelineDescription): Pipeline {
  const ref = description.ref ?? 'main';
  const made = description.jobs.map(({ stage = 'test' }) => stage);
  const id = store.nextId();
  const sha = description.sha ?? headOf(project, ref) ?? createHash('sha1').update(`${id}`).digest('hex');
  const pipeline: Pipeline = {
    id,
    project,
    description,
    stages: ['.pre', ...(description.stages ?? new Set(made)), '.post'],
    ref,
    sha,
    beforeSha: '0'.repeat(sha.length),
    jobs: [],
  };
  if (project.repository !== undefined) git(project.repository, 'update-ref', `refs/pipelines/${id}`, sha);
  store.pipelines.push(pipeline);
  for (const job of description.jobs) addJob(store, pipeline, job, 0);
  advance(store, pipeline);
  return pipeline;
}

function headOf({ repository }: Project, ref: string): string | undefined {
  return repository === undefined ? undefined : git(repository, 'rev-parse', '--verify', `${ref}^{commit}`);
}

function git(directory: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-C', directory, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}
