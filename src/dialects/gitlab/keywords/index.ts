import type { Keyword } from '../keyword.ts';
import { afterScript } from './after-script.ts';
import { allowFailure } from './allow-failure.ts';
import { artifacts } from './artifacts.ts';
import { beforeScript } from './before-script.ts';
import { cache } from './cache.ts';
import { coverage } from './coverage.ts';
import { dastConfiguration } from './dast-configuration.ts';
import { dependencies } from './dependencies.ts';
import { environment } from './environment.ts';
import { except } from './except.ts';
import { extendsKeyword } from './extends.ts';
import { hooks } from './hooks.ts';
import { idTokens } from './id-tokens.ts';
import { identity } from './identity.ts';
import { image } from './image.ts';
import { include } from './include.ts';
import { inherit } from './inherit.ts';
import { inputs } from './inputs.ts';
import { interruptible } from './interruptible.ts';
import { manualConfirmation } from './manual-confirmation.ts';
import { needs } from './needs.ts';
import { only } from './only.ts';
import { pages } from './pages.ts';
import { parallel } from './parallel.ts';
import { publish } from './publish.ts';
import { release } from './release.ts';
import { resourceGroup } from './resource-group.ts';
import { retry } from './retry.ts';
import { rules } from './rules.ts';
import { run } from './run.ts';
import { script } from './script.ts';
import { secrets } from './secrets.ts';
import { services } from './services.ts';
import { spec } from './spec.ts';
import { stage } from './stage.ts';
import { stages } from './stages.ts';
import { startIn } from './start-in.ts';
import { tags } from './tags.ts';
import { timeout } from './timeout.ts';
import { trigger } from './trigger.ts';
import { variables } from './variables.ts';
import { when } from './when.ts';
import { workflow } from './workflow.ts';

/** Every keyword of the language that we know, one file each. */
export const keywords: readonly Keyword<unknown>[] = [
  afterScript,
  allowFailure,
  artifacts,
  beforeScript,
  cache,
  coverage,
  dastConfiguration,
  dependencies,
  environment,
  except,
  extendsKeyword,
  hooks,
  idTokens,
  identity,
  image,
  include,
  inherit,
  inputs,
  interruptible,
  manualConfirmation,
  needs,
  only,
  pages,
  parallel,
  publish,
  release,
  resourceGroup,
  retry,
  rules,
  run,
  script,
  secrets,
  services,
  spec,
  stage,
  stages,
  startIn,
  tags,
  timeout,
  trigger,
  variables,
  when,
  workflow,
];

/** Those of a job that are legal and have no effect here. */
export const notRunJobKeywords: readonly Keyword<unknown>[] = keywords.filter(
  ({ support, scopes }) => support?.state === 'ignored' && scopes.includes('job'),
);
