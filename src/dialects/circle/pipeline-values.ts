import type { Context } from '../../model/context.ts';
import type { MapNode, Node, Scalar } from '../../syntax/node.ts';
import { interpolate } from './interpolate.ts';
import { bindArguments, readDeclarations } from './parameters.ts';
import { entry, type Reading, scalar } from './reading.ts';
import type { PipelineValues } from './scope.ts';
import { type StartedParameters, startedParameters } from './started-parameters.ts';
import { unsetValues } from './unset-values.ts';

const nowhere = { file: '', start: 0, end: 0 };

/** `webhook` is a push or pull request. Source: https://circleci.com/docs/guides/orchestrate/pipeline-variables/ */
const triggerSources: Readonly<Partial<Record<Context['source'], string>>> = {
  api: 'api',
  trigger: 'api',
  web: 'api',
  schedule: 'scheduled_pipeline',
};

/** Values for parameters of the pipeline, by name. */
export interface GivenParameters {
  /** From the command line. */
  readonly started?: StartedParameters;
  /** From a setup job. */
  readonly handed: ReadonlyMap<string, Node>;
}

/**
 * The values of `pipeline.*`: what git knows truthfully, the rest as CircleCI's own tool makes it up. Git is asked for
 * what is used only.
 */
export function pipelineValues(
  root: MapNode,
  context: Context,
  given: GivenParameters,
  reading: Reading,
): PipelineValues {
  const parameters = new Map<string, Node>();
  const known: PipelineValues = {
    get: (name) => {
      if (name.startsWith('parameters.')) return parameters.get(name.slice('parameters.'.length));
      const fact = Object.hasOwn(facts, name) ? facts[name] : undefined;
      if (fact !== undefined) return scalar(fact(context), nowhere);
      return unsetValues.has(name) ? scalar(null, nowhere) : undefined;
    },
    names: () => [...Object.keys(facts), ...unsetValues, ...[...parameters.keys()].map((name) => `parameters.${name}`)],
  };
  const declared = readDeclarations(root, 'pipeline', reading);
  const started = given.started === undefined ? [] : startedParameters(declared, given.started, reading);
  const entries = new Map([...started, ...given.handed].map(([name, value]) => [name, entry(name, value, value.span)]));
  // That a default is missing was told.
  const optional = new Map([...declared].filter(([, each]) => each.default !== undefined || entries.has(each.name)));
  const bound = bindArguments(
    optional,
    entries,
    { what: 'the pipeline', span: root.span, scope: { pipeline: known } },
    reading,
  );
  for (const [name, value] of bound) parameters.set(name, interpolate(value, { pipeline: known }, reading));
  return known;
}

type Fact = (context: Context) => Scalar;

const facts: Readonly<Record<string, Fact>> = {
  id: () => '00000000-0000-0000-0000-000000000001',
  number: () => 1,
  'project.git_url': ({ git }) => git.remoteUrl ?? null,
  'project.type': ({ git }) => hostOf(git.remoteUrl),
  'project.slug': projectSlug,
  'git.tag': ({ git }) => git.tag ?? null,
  'git.branch': ({ git }) => (git.tag === undefined ? (git.branch ?? null) : null),
  'git.branch.is_default': ({ git }) => git.branch === git.defaultBranch,
  'git.revision': ({ git }) => git.sha,
  'git.base_revision': ({ git }) => git.beforeSha,
  'git.repo_name': ({ project }) => project.name,
  'git.repo_owner': ({ project }) => project.namespace,
  'git.repo_url': ({ git }) => git.remoteUrl ?? null,
  'git.commit.subject': ({ git }) => subjectOf(git.message),
  'git.commit.body': ({ git }) => git.message.slice(subjectOf(git.message).length).trim(),
  'git.commit.author_name': ({ git }) => git.author.replace(/\s*<.*$/, ''),
  'git.commit.author_email': ({ git }) => /<(.*)>/.exec(git.author)?.[1] ?? null,
  trigger_source: ({ source }) => triggerSources[source] ?? 'webhook',
  'trigger.type': ({ source, git }) => triggerSources[source] ?? hostOf(git.remoteUrl),
  'event.name': ({ source }) =>
    source === 'merge_request_event' ? 'pull_request' : source === 'push' ? 'push' : 'api',
  'event.github.pull_request.head.ref': ({ source, git }) =>
    source === 'merge_request_event' ? (git.branch ?? null) : null,
};

const slugs = { bitbucket: 'bb', gitlab: 'gl', github: 'gh' } as const;

/** `gh/owner/name`, as in the service's addresses. */
export function projectSlug({ git, project }: Pick<Context, 'git' | 'project'>): string {
  return `${slugs[hostOf(git.remoteUrl)]}/${project.path}`;
}

function hostOf(url: string | undefined): keyof typeof slugs {
  if (url === undefined) return 'github';
  return url.includes('bitbucket') ? 'bitbucket' : url.includes('gitlab') ? 'gitlab' : 'github';
}

function subjectOf(message: string): string {
  return message.split('\n', 1)[0]!;
}
