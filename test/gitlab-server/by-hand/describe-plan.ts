import type { Image, Service } from '../../../src/model/pipeline.ts';
import type { JobNode, Plan } from '../../../src/model/plan.ts';
import type { CacheKey, Step } from '../../../src/model/step.ts';
import type { Variable } from '../../../src/model/variable.ts';
import type {
  DescribedArtifacts,
  DescribedCache,
  DescribedImage,
  DescribedVariables,
  JobDescription,
  PipelineDescription,
} from '../description.ts';

/** What a planned pipeline is in the server's words. Bridges and approvals are left out: no runner sees them. */
export function describePlan(plan: Plan): Pick<PipelineDescription, 'stages' | 'jobs'> {
  const nodes = plan.nodes.filter((node): node is JobNode => node.kind === 'job');
  return {
    stages: plan.stages.filter((stage) => stage !== '.pre' && stage !== '.post'),
    jobs: nodes.map(describeNode),
  };
}

function describeNode(node: JobNode): JobDescription {
  const { definition } = node;
  const { steps } = definition;
  const script = scriptOf(steps, 'script');
  const afterScript = scriptOf(steps, 'after');
  const artifacts = artifactsOf(steps);
  return {
    name: node.id,
    stage: node.stage,
    script: script ?? ['true'],
    ...(afterScript === undefined ? {} : { afterScript }),
    when: node.when === 'delayed' ? 'on_success' : node.when,
    allowFailure: node.allowFailure,
    ...(node.scheduling === 'dag' ? { needs: node.needs.map(({ id }) => id) } : {}),
    dependencies: node.artifactsFrom,
    tags: definition.tags,
    variables: variables([...node.variables.belowDotenv, ...node.variables.aboveDotenv]),
    ...(definition.image === undefined ? {} : { image: image(definition.image) }),
    services: definition.services.map(service),
    ...(artifacts === undefined ? {} : { artifacts }),
    cache: cachesOf(steps),
    timeout: Math.round(node.timeoutMs / 1000),
    retry: {
      max: definition.retry.max,
      ...(definition.retry.when === undefined ? {} : { when: definition.retry.when }),
    },
  };
}

function scriptOf(steps: readonly Step[], phase: 'script' | 'after'): readonly string[] | undefined {
  const found = steps.flatMap((step) => (step.kind === 'run' && step.phase === phase ? step.script : []));
  return found.length === 0 ? undefined : found;
}

/** Without those that every job has: the server predefines its own. */
function variables(given: readonly Variable[]): DescribedVariables {
  const own = given.filter(({ name }) => !/^(CI|CI_.*|GITLAB_.*)$/.test(name));
  return Object.fromEntries(
    own.map(({ name, value, raw = false, file = false, masked = false }) => [
      name,
      { value, raw, file, masked, public: !masked },
    ]),
  );
}

function image({ name, entrypoint, pullPolicy, platform, user }: Image): DescribedImage {
  const docker = { ...(platform === undefined ? {} : { platform }), ...(user === undefined ? {} : { user }) };
  return {
    name,
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(pullPolicy === undefined ? {} : { pullPolicy }),
    ...(Object.keys(docker).length === 0 ? {} : { executorOpts: { docker } }),
  };
}

function service(given: Service): DescribedImage {
  return {
    ...image(given),
    ...(given.aliases.length === 0 ? {} : { alias: given.aliases.join(' ') }),
    ...(given.command === undefined ? {} : { command: given.command }),
    variables: variables(given.variables),
  };
}

function artifactsOf(steps: readonly Step[]): DescribedArtifacts | undefined {
  const uploads = steps.filter((step) => step.kind === 'upload-artifacts');
  if (uploads.length === 0) return undefined;
  const archive = uploads.find(({ type }) => type === 'archive');
  const reports = uploads.filter(({ type }) => type !== 'archive');
  return {
    ...(archive === undefined ? {} : { paths: archive.paths, exclude: archive.exclude, when: archive.when }),
    ...(archive?.name === undefined ? {} : { name: archive.name }),
    ...(archive?.untracked === true ? { untracked: true } : {}),
    ...(archive?.expireInMs === undefined ? {} : { expireIn: `${Math.round(archive.expireInMs / 1000)} seconds` }),
    reports: Object.fromEntries(
      reports.map(({ type, paths }) => [type === 'coverage_report' ? 'cobertura' : type, paths]),
    ),
  };
}

function cachesOf(steps: readonly Step[]): readonly DescribedCache[] {
  const restored = steps.filter((step) => step.kind === 'restore-cache');
  const saved = steps.filter((step) => step.kind === 'save-cache');
  const keys = new Set([...restored.map(({ keys: [key] }) => textOf(key!)), ...saved.map(({ key }) => textOf(key))]);
  return [...keys].map((key) => {
    const restore = restored.find(({ keys: [first] }) => textOf(first!) === key);
    const save = saved.find((step) => textOf(step.key) === key);
    const both = restore !== undefined && save !== undefined;
    return {
      key,
      paths: save?.paths ?? restore?.paths ?? [],
      untracked: save?.untracked ?? false,
      policy: save?.policy ?? restore?.policy ?? (both ? 'pull-push' : save === undefined ? 'pull' : 'push'),
      when: save?.when ?? 'on_success',
      fallbackKeys: (restore?.keys ?? []).slice(1).map(textOf),
    };
  });
}

/** GitLab's server computes keys of files; here their names do. */
function textOf(key: CacheKey): string {
  if (key.kind === 'text' || key.kind === 'template') return key.text;
  return [key.prefix ?? '', ...key.files].join('-').replace(/[^\w.-]+/g, '_');
}
