import { describe, expect, it } from 'vitest';
import { buildContext, type ContextOptions } from '../../src/context/build-context.ts';
import { type PredefinedFact, predefinedCatalogue } from '../../src/context/predefined-catalogue.ts';
import { jobVariables } from '../../src/job/job-variables.ts';
import type { Context } from '../../src/model/context.ts';
import { isJobOnly } from '../../src/model/job-only-variables.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { plan } from '../../src/plan/plan.ts';
import { type JobWords, job, type PipelineWords, pipeline, selection } from '../support/pipeline-builder.ts';
import { gitEnv, type TestDirectory, testRepository } from './git-repository.ts';

/** Every name that GitLab predefines. Frozen: it only grows with GitLab. */
const frozen = expand(`
CHAT_{CHANNEL,INPUT,USER_ID} CI CI_API_{V4_URL,GRAPHQL_URL} CI_BUILDS_DIR
CI_COMMIT_{AUTHOR,BEFORE_SHA,BRANCH,DESCRIPTION,MESSAGE,MESSAGE_IS_TRUNCATED,REF_NAME,REF_PROTECTED,REF_SLUG,SHA,SHORT_SHA,TAG,TAG_MESSAGE,TIMESTAMP,TITLE}
CI_CONCURRENT_{ID,PROJECT_ID} CI_CONFIG_PATH CI_DEBUG_{TRACE,SERVICES} CI_DEFAULT_{BRANCH,BRANCH_SLUG}
CI_DEPENDENCY_PROXY_{DIRECT_GROUP_IMAGE_PREFIX,GROUP_IMAGE_PREFIX,PASSWORD,SERVER,USER}
CI_DEPLOY_{FREEZE,PASSWORD,USER} CI_DISPOSABLE_ENVIRONMENT CI_ENVIRONMENT_{NAME,SLUG,URL,ACTION,TIER}
CI_GITLAB_FIPS_MODE CI_HAS_OPEN_REQUIREMENTS
CI_JOB_{GROUP_NAME,ID,IMAGE,JWT,JWT_V1,JWT_V2,MANUAL,NAME,NAME_SLUG,STAGE,STARTED_AT,STATUS,TIMEOUT,TOKEN,URL}
CI_KUBERNETES_ACTIVE
CI_MERGE_REQUEST_{APPROVED,ASSIGNEES,DESCRIPTION,DESCRIPTION_IS_TRUNCATED,DIFF_BASE_SHA,DIFF_ID,DRAFT,EVENT_TYPE,ID,IID,LABELS,MILESTONE,REF_PATH,SQUASH_ON_MERGE,TITLE}
CI_MERGE_REQUEST_{PROJECT_ID,PROJECT_PATH,PROJECT_URL,SOURCE_PROJECT_ID,SOURCE_PROJECT_PATH,SOURCE_PROJECT_URL}
CI_MERGE_REQUEST_{SOURCE,TARGET}_BRANCH_{NAME,PROTECTED,SHA}
CI_NODE_{INDEX,TOTAL} CI_OPEN_MERGE_REQUESTS CI_PAGES_{DOMAIN,URL}
CI_PIPELINE_{CREATED_AT,ID,IID,NAME,SCHEDULE_DESCRIPTION,SOURCE,TRIGGERED,URL}
CI_PROJECT_{CLASSIFICATION_LABEL,DESCRIPTION,DIR,ID,NAME,NAMESPACE,NAMESPACE_ID,NAMESPACE_SLUG,PATH,PATH_SLUG,REPOSITORY_LANGUAGES,ROOT_NAMESPACE,TITLE,TOPICS,URL,VISIBILITY}
CI_REGISTRY CI_REGISTRY_{IMAGE,PASSWORD,USER} CI_RELEASE_DESCRIPTION CI_REPOSITORY_URL
CI_RUNNER_{DESCRIPTION,EXECUTABLE_ARCH,ID,REVISION,SHORT_TOKEN,TAGS,VERSION}
CI_SERVER CI_SERVER_{FQDN,HOST,NAME,PORT,PROTOCOL,REVISION,SHELL_SSH_HOST,SHELL_SSH_PORT,TLS_CA_FILE,TLS_CERT_FILE,TLS_KEY_FILE,URL,VERSION,VERSION_MAJOR,VERSION_MINOR,VERSION_PATCH}
CI_SHARED_ENVIRONMENT CI_TEMPLATE_REGISTRY_HOST CI_TRIGGER_SHORT_TOKEN
GITLAB_CI GITLAB_FEATURES GITLAB_USER_{EMAIL,ID,LOGIN,NAME} KUBECONFIG TRIGGER_PAYLOAD
`);

function expand(text: string): readonly string[] {
  const one = (word: string): readonly string[] => {
    const [, head, list, tail] = /^(.*?)\{(.*?)\}(.*)$/.exec(word) ?? [];
    return list === undefined ? [word] : list.split(',').flatMap((part) => one(`${head}${part}${tail}`));
  };
  return text.trim().split(/\s+/).flatMap(one).sort();
}

const facts = new Map<string, PredefinedFact>(
  Object.values(predefinedCatalogue).flatMap((group) => Object.entries(group)),
);

/** Names that are set by a part of the program for the given kinds. */
function expected(by: PredefinedFact['by'], kinds: readonly string[]): readonly string[] {
  const fits = ({ only }: PredefinedFact): boolean => only === undefined || kinds.includes(only);
  return [...facts]
    .filter(([, fact]) => fact.by === by && fits(fact))
    .map(([name]) => name)
    .sort();
}

function repository(): TestDirectory {
  const made = testRepository();
  made.commit({ a: '1' }, 'First');
  made.git('tag', 'v1');
  return made;
}

function contextOf(directory: TestDirectory, options: Partial<ContextOptions> = {}): Context {
  const given = { root: directory.path, configPath: '.gitlab-ci.yml', env: gitEnv, nowMs: 0, version: '1.2.3' };
  const result = buildContext({ ...given, ...options });
  if (result.kind !== 'context') throw new Error(result.message);
  return result.context;
}

const names = (variables: readonly { readonly name: string }[]): readonly string[] =>
  [...new Set(variables.map(({ name }) => name))].sort();

describe('the catalogue of predefined variables', () => {
  it('has every name', () => {
    expect([...facts.keys()].sort()).toEqual(frozen);
  });

  it('gives a reason or a value for each', () => {
    expect([...facts].filter(([, { how }]) => how === '')).toEqual([]);
  });

  it.each<readonly [string, Partial<ContextOptions>, readonly string[]]>([
    ['push', {}, ['branch']],
    ['tag', { event: 'tag' }, ['tag']],
    ['merge_request', { event: 'merge_request', branch: 'topic' }, ['merge request']],
    ['schedule', { event: 'schedule' }, ['branch', 'schedule']],
    ['schedule of a tag', { event: 'schedule', tag: 'v1' }, ['tag', 'schedule']],
    ['web', { event: 'web' }, ['branch']],
    ['api', { event: 'api' }, ['branch']],
    ['trigger', { event: 'trigger' }, ['branch', 'trigger']],
  ])('says what %s sets', (_, options, kinds) => {
    using made = repository();
    const { predefined } = contextOf(made, options);
    expect(names(predefined)).toEqual(expected('context', kinds));
    expect(predefined.filter(({ value }) => typeof value !== 'string')).toEqual([]);
  });

  it.each<readonly [string, JobWords, readonly string[]]>([
    ['plain', {}, []],
    ['manual', { when: 'manual' }, ['manual']],
    ['parallel', { parallel: 2 }, ['parallel']],
    ['with an image', { image: 'alpine' }, ['image']],
    ['with an environment', { environment: { name: 'live', action: 'start' } }, ['environment']],
    [
      'with an environment and its url',
      { environment: { name: 'live', url: 'https://example.com', action: 'start' } },
      ['environment', 'environment with url'],
    ],
  ])('says what the plan sets for a job that is %s', (_, words, kinds) => {
    using made = repository();
    const context = contextOf(made);
    const { value } = plan(pipeline([job('a', words)], named), context, selection());
    const { belowDotenv, aboveDotenv } = value!.nodes[0]!.variables;
    const before = new Set(names(context.predefined));
    const set = names([...belowDotenv, ...aboveDotenv]).filter((name) => !before.has(name));
    expect(set).toEqual(expected('plan', kinds));
  });

  it.each(['docker', 'shell'] as const)('says what a job in %s sets', (executor) => {
    const source = { kind: 'snapshot' };
    const given = { executor, source, projectPath: 'group/app', timeoutMs: 1000, variables: [] };
    const spec = given as unknown as JobSpec;
    const set = jobVariables({
      spec,
      runner: { name: 'n', version: '1', revision: '1', platform: 'linux/amd64' },
      startedAt: 0,
      concurrentId: 0,
      place: { directory: '/builds/group/app', temporaryDirectory: '/builds/group/app.tmp' },
    }).all.map(({ name }) => name);
    for (const name of expected('job', [executor])) expect(set).toContain(name);
    const other = expected('job', [executor === 'docker' ? 'shell' : 'docker']);
    for (const name of other.filter((one) => !expected('job', [executor]).includes(one))) {
      expect(set).not.toContain(name);
    }
    // Nothing is set that it does not know, but for what is the runner's own.
    const unknown = set.filter((name) => !facts.has(name));
    expect(unknown).toEqual(['RUNNER_TEMP_PROJECT_DIR', 'GITLAB_ENV']);
  });

  it('says in which of them rules see it', () => {
    using made = repository();
    const context = contextOf(made, { event: 'trigger' });
    const hidden = names(context.predefined).filter((name) => facts.get(name)?.phase === 'job');
    expect(names(context.predefined).filter(isJobOnly)).toEqual(hidden);
    const environment = { name: 'live', url: 'https://example.com', action: 'start' } as const;
    for (const [name, { by, phase, only }] of facts) {
      if (by === undefined || by === 'job' || only === 'tag' || only === 'schedule' || only === 'merge request')
        continue;
      // The name of the pipeline is made after the rules of the workflow.
      if (name === 'CI_PIPELINE_NAME' || name === 'CI_JOB_MANUAL') continue;
      const words: JobWords = { environment, parallel: 2, image: 'alpine', rules: [{ if: `$${name} != null` }] };
      const [decision] = plan(pipeline([job('a', words)], named), context, selection()).value!.decisions;
      expect([name, decision?.included]).toEqual([name, phase !== 'job']);
    }
  });
});

const named: PipelineWords = { name: 'Nightly' };
