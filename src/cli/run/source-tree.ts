import { join } from 'node:path';
import type { Emit, Event } from '../../model/event.ts';
import type { Source } from '../../model/job-spec.ts';
import { projectKey } from '../../stores/project-key.ts';
import { countText } from '../../util/count-text.ts';
import { askGit } from '../../util/git.ts';
import type { AskGit } from '../../workspaces/git-question.ts';
import { beginLook, type EarlyLook } from '../../workspaces/last-snapshot.ts';
import { type Snapshot, takeSnapshot } from '../../workspaces/take-snapshot.ts';
import type { Invocation } from '../invocation.ts';
import type { FoundPipeline } from '../load-pipeline.ts';
import type { Locations } from '../locations.ts';
import type { RunOptions } from '../options.ts';
import { enclosingRepository } from '../pipeline-file.ts';
import type { PipelineRun } from './pipeline-run.ts';

/**
 * Begins to look whether the tree is still what the last run copied, before it is known what this one needs; undefined
 * where nothing is copied, or git does not know what is.
 */
export function beginLookAtSources(
  { file, locations }: FoundPipeline,
  options: RunOptions,
  git: AskGit,
): EarlyLook | undefined {
  const topLevel = enclosingRepository(file.root);
  if (options.inPlace || topLevel === undefined) return undefined;
  return beginLook({
    projectRoot: file.root,
    topLevel,
    storeDirectory: snapshotDirectory(locations, file.root),
    git,
    nowMs: Date.now(),
  });
}

function gitOf({ env }: Invocation): AskGit {
  return (directory, args) => askGit(args, { cwd: directory, env });
}

function snapshotDirectory(locations: Locations, projectRoot: string): string {
  return join(locations.cache, 'snapshots', projectKey(projectRoot));
}

/** What says which sources a run needs. */
export type SourcesWanted = Pick<PipelineRun, 'loaded' | 'plan' | 'options' | 'look'>;

/** The run's copy of the tree; nothing is copied when no job wants sources. The early look is over then. */
export async function snapshotFor(
  invocation: Invocation,
  run: SourcesWanted,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  await using _look = run.look;
  return await takeIfWanted(invocation, run, signal);
}

async function takeIfWanted(
  invocation: Invocation,
  { loaded, plan, options, look }: SourcesWanted,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  const wanted = plan.nodes.some(
    (node) =>
      // What a bridge starts is not known yet.
      (node.kind === 'bridge' && !options.inPlace) ||
      (node.kind === 'job' &&
        !(options.inPlace && node.executor === 'shell') &&
        node.definition.steps.some(({ kind }) => kind === 'checkout')),
  );
  if (!wanted) return undefined;
  return copyTree(invocation, loaded.locations, { root: loaded.file.root, look, signal });
}

function copyTree(
  invocation: Invocation,
  locations: Locations,
  {
    root,
    look,
    signal,
  }: { readonly root: string; readonly look?: EarlyLook | undefined; readonly signal: AbortSignal },
): Promise<Snapshot> {
  // A repository without a commit yet has files to list all the same.
  const topLevel = enclosingRepository(root);
  return takeSnapshot({
    projectRoot: root,
    ...(topLevel === undefined ? {} : { topLevel }),
    storeDirectory: snapshotDirectory(locations, root),
    early: look,
    git: gitOf(invocation),
    nowMs: Date.now(),
    signal,
  });
}

/** Copies of other projects' trees, each made once, when it is first wanted. */
export interface OtherTrees extends AsyncDisposable {
  of(root: string): Promise<Source>;
}

/** @param own the run's own tree, which is there already. */
export function otherTrees(
  invocation: Invocation,
  { loaded, options }: Pick<PipelineRun, 'loaded' | 'options'>,
  given: { readonly own: Source; readonly signal: AbortSignal },
): OtherTrees {
  const { signal } = given;
  const made = new Map<string, Promise<Snapshot>>();
  return {
    of: async (root) => {
      if (root === loaded.file.root) return given.own;
      if (options.inPlace) return { kind: 'in-place', directory: root };
      const known = made.get(root) ?? copyTree(invocation, loaded.locations, { root, signal });
      made.set(root, known);
      const { tree, gitObjects } = await known;
      return { kind: 'snapshot', tree, gitObjects };
    },
    [Symbol.asyncDispose]: async () => {
      for (const known of made.values()) await (await known.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** Tells what of the tree could not be copied; with `-v` also how much was. */
export function tellSnapshot(snapshot: Snapshot | undefined, options: RunOptions, emit: Emit): void {
  if (snapshot === undefined) return;
  const tell = (type: 'notice' | 'warning', message: string): void => emit({ type, at: Date.now(), message } as Event);
  for (const { path, because } of snapshot.skipped.slice(0, 10))
    tell('warning', `${path} is not in the copy of the tree: ${because}`);
  if (options.verbose) {
    tell(
      'notice',
      `copy of the tree: ${countText(snapshot.files, 'file')}, ${snapshot.copied} copied now, the rest shared with the last run`,
    );
  }
}

/** Where jobs get their sources from. */
export function sourceFor(
  { loaded, options }: Pick<PipelineRun, 'loaded' | 'options'>,
  snapshot: Snapshot | undefined,
): Source {
  if (options.inPlace) return { kind: 'in-place', directory: loaded.file.root };
  if (snapshot === undefined) return { kind: 'none' };
  return { kind: 'snapshot', tree: snapshot.tree, gitObjects: snapshot.gitObjects };
}
