import type { Context, PipelineSource, VariableSets } from '../model/context.ts';
import type { ProjectCheckouts } from '../model/included-file.ts';
import type { Variable } from '../model/variable.ts';
import { type Environment, runGit } from '../util/git.ts';
import { slugify } from '../util/slugify.ts';
import { type AnsweredGit, type GatheredGit, gatherGitFacts } from './gather-git-facts.ts';
import { type PipelineRef, predefinedVariables } from './predefined-variables.ts';
import { projectFacts } from './project-facts.ts';
import { type ChangeBase, repositoryQuery } from './repository-query.ts';

/** The values of `--event`. */
export const eventNames = ['push', 'tag', 'merge_request', 'schedule', 'web', 'api', 'trigger'] as const;

/** One of `eventNames`: what the pipeline is for. */
export type EventName = (typeof eventNames)[number];

/** What the command line and this machine say about a pipeline, before git is asked. */
export interface ContextOptions {
  /** Absolute path: where the pipeline's paths start. */
  readonly root: string;
  /** The pipeline file relative to `root`. */
  readonly configPath: string;
  /** As `process.env` has it; handed to git, `USER` names the user. No variable of it reaches a job. */
  readonly env: Environment;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** This program's version. */
  readonly version: string;
  /** Default: `tag` if a tag is named, else `push`. */
  readonly event?: EventName;
  readonly branch?: string;
  readonly tag?: string;
  readonly targetBranch?: string;
  /** `--changed-since`. */
  readonly changedSince?: string;
  /** Default: `1`. */
  readonly pipelineId?: string;
  /** User's configuration and secrets. */
  readonly projectVariables?: readonly Variable[];
  /** `--var`, `--var-file`. */
  readonly pipelineVariables?: readonly Variable[];
  /** `group/name`, where it is known better than from the remote's URL. */
  readonly projectPath?: string;
  /** Other projects that lie on this machine. */
  readonly projects?: ProjectCheckouts;
  readonly variableSets?: VariableSets;
  /** Answers of `askFactsAhead` for `root`. */
  readonly answered?: AnsweredGit | undefined;
}

/** What everything after this decides by, or why the options make no sense here. */
export type BuiltContext =
  | {
      readonly kind: 'context';
      readonly context: Context;
      /** One-line remarks, for example that there is no repository. */
      readonly notices: readonly string[];
    }
  /** The options contradict each other or the repository: wrong usage, exit 2. */
  | { readonly kind: 'usage-error'; readonly message: string; readonly hint?: string };

/** Gathers everything that a plan depends on besides the file. Starts `git` (three times less what was `answered`, more for `changes`, once for `changedSince`). */
export function buildContext(options: ContextOptions): BuiltContext {
  const gathered = gatherGitFacts(options.root, options.env, options.answered);
  const chosen = chooseRef(options, gathered);
  if (chosen.kind === 'usage-error') return chosen;
  const unknown = unknownRevision(options, gathered);
  if (unknown !== undefined) return { kind: 'usage-error', message: unknown };
  const { ref } = chosen;
  const { branch: current, ...facts } = gathered.facts;
  const git = {
    ...facts,
    ...(ref.kind === 'branch' ? { branch: ref.name } : {}),
    ...(ref.kind === 'merge-request' ? { branch: ref.source } : {}),
    ...(ref.kind === 'tag' ? { tag: ref.name, tagMessage: ref.message ?? '' } : {}),
  };
  const folder = git.real ? git.topLevel : options.root;
  const project = projectFacts(options.root, folder, git.remoteUrl, options.projectPath);
  const source = pipelineSource(options.event ?? 'push');
  const predefined = predefinedVariables({
    source,
    ref,
    git,
    project,
    configPath: options.configPath,
    createdAtMs: options.nowMs,
    pipelineId: options.pipelineId ?? '1',
    user: userFacts(gathered, options.env),
    runner: { version: options.version, arch: goArch() },
  });
  const context: Context = {
    source,
    git,
    project,
    predefined,
    projectVariables: options.projectVariables ?? [],
    pipelineVariables: options.pipelineVariables ?? [],
    query: repositoryQuery({
      root: options.root,
      env: options.env,
      real: git.real,
      base: changeBase(options, ref, git.defaultBranch),
      settings: gathered.settings,
    }),
    ...(options.projects === undefined ? {} : { projects: options.projects }),
    ...(options.variableSets === undefined ? {} : { variableSets: options.variableSets }),
  };
  return { kind: 'context', context, notices: notices(gathered, ref, current) };
}

function notices(gathered: GatheredGit, ref: PipelineRef, current: string | undefined): readonly string[] {
  const found: string[] = [];
  if (gathered.notice !== undefined) found.push(gathered.notice);
  if (ref.kind === 'detached' && current === undefined) {
    found.push('HEAD is detached, so there is no CI_COMMIT_BRANCH; name one with --branch');
  }
  return found;
}

function pipelineSource(event: EventName): PipelineSource {
  if (event === 'tag') return 'push';
  return event === 'merge_request' ? 'merge_request_event' : event;
}

type Chosen = { readonly kind: 'ref'; readonly ref: PipelineRef } | Extract<BuiltContext, { kind: 'usage-error' }>;

function chooseRef(options: ContextOptions, gathered: GatheredGit): Chosen {
  const event = options.event ?? (options.tag === undefined ? 'push' : 'tag');
  const contradiction = contradictionIn(options, event);
  if (contradiction !== undefined) return { kind: 'usage-error', message: contradiction };
  const { facts } = gathered;
  if (event === 'tag' || options.tag !== undefined) return chooseTag(options, gathered);
  const branch = options.branch ?? facts.branch;
  if (event === 'merge_request') {
    if (branch === undefined) {
      return {
        kind: 'usage-error',
        message: 'HEAD is detached: the merge request has no source branch',
        hint: 'name it with --branch',
      };
    }
    return { kind: 'ref', ref: mergeRequest(options, gathered, branch) };
  }
  if (branch === undefined) return { kind: 'ref', ref: { kind: 'detached', name: facts.shortSha } };
  return { kind: 'ref', ref: { kind: 'branch', name: branch } };
}

function contradictionIn(options: ContextOptions, event: EventName): string | undefined {
  for (const name of ['branch', 'tag', 'targetBranch', 'changedSince'] as const) {
    if (options[name] === '') return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is empty`;
  }
  if (options.tag !== undefined && options.branch !== undefined) return '--tag and --branch exclude each other';
  if (options.tag !== undefined && event === 'merge_request') return '--tag does not fit --event merge_request';
  if (options.branch !== undefined && event === 'tag') return '--branch does not fit --event tag';
  if (options.targetBranch !== undefined && event !== 'merge_request') {
    return '--target-branch only fits --event merge_request';
  }
  return undefined;
}

/** Without a repository nothing is compared, so nothing has to exist. */
function unknownRevision({ changedSince, root, env }: ContextOptions, gathered: GatheredGit): string | undefined {
  if (changedSince === undefined || !gathered.facts.real) return undefined;
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${changedSince}^{commit}`];
  const found = runGit(args, { cwd: root, env });
  return found.kind === 'ok' ? undefined : `--changed-since: there is no revision \`${changedSince}\``;
}

function chooseTag(options: ContextOptions, gathered: GatheredGit): Chosen {
  const name = options.tag ?? gathered.tagsAtHead[0];
  if (name === undefined) {
    return { kind: 'usage-error', message: 'no tag points at HEAD', hint: 'name one with --tag' };
  }
  const message = tagMessage(options, gathered, name);
  return { kind: 'ref', ref: { kind: 'tag', name, ...(message === undefined ? {} : { message }) } };
}

/** Of an annotated tag; undefined for a lightweight one or none. */
function tagMessage(options: ContextOptions, gathered: GatheredGit, tag: string): string | undefined {
  if (!gathered.facts.real) return undefined;
  const format = '--format=%(objecttype)%00%(contents)';
  const result = runGit(['for-each-ref', format, `refs/tags/${tag}`], { cwd: options.root, env: options.env });
  const [type, contents] = result.kind === 'ok' ? result.stdout.split('\0') : [];
  return type === 'tag' ? contents?.replace(/\n+$/, '') : undefined;
}

function mergeRequest(options: ContextOptions, gathered: GatheredGit, source: string): PipelineRef {
  const target = options.targetBranch ?? gathered.facts.defaultBranch;
  const git = { cwd: options.root, env: options.env };
  for (const candidate of [`refs/remotes/origin/${target}`, `refs/heads/${target}`]) {
    const base = gathered.facts.real ? runGit(['merge-base', candidate, 'HEAD'], git) : undefined;
    if (base?.kind === 'ok') return { kind: 'merge-request', source, target, baseSha: base.stdout.trim() };
  }
  return { kind: 'merge-request', source, target };
}

/** Only pipelines for pushes to branches and for merge requests have something to compare with. */
function changeBase(options: ContextOptions, ref: PipelineRef, defaultBranch: string): ChangeBase {
  if (options.changedSince !== undefined) return { kind: 'revision', revision: options.changedSince };
  const event = options.event ?? 'push';
  if (ref.kind === 'merge-request') return { kind: 'branch', branch: ref.target };
  if (event !== 'push' || ref.kind === 'tag') return { kind: 'none' };
  if (ref.kind === 'branch' && ref.name === defaultBranch) return { kind: 'default-branch', branch: defaultBranch };
  return { kind: 'branch', branch: defaultBranch };
}

function userFacts(gathered: GatheredGit, env: Environment): { login: string; name: string; email: string } {
  const author = /^(.*) <([^>]*)>$/.exec(gathered.facts.author);
  const email = gathered.user.email ?? author?.[2] ?? '';
  const login = env.USER || env.USERNAME || slugify(email.split('@')[0] ?? '') || 'local';
  return { login, name: gathered.user.name ?? author?.[1] ?? login, email };
}

/** The machine in Go's words, as GitLab Runner tells it. */
function goArch(): string {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${os}/${names[process.arch] ?? process.arch}`;
}
