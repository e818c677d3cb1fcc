import type { Diagnostic, Report } from '../diagnostics/diagnostic.ts';
import type { Need, Pipeline } from '../model/pipeline.ts';
import { didYouMean } from '../util/nearest.ts';
import { checkGlobs, checkRules } from './check-rules.ts';
import { checkVariables } from './check-variables.ts';
import { maxNameLength } from './expand-legs.ts';
import { findCycle } from './find-cycle.ts';
import { type ExpandedJob, indexJobs, type JobIndex, neededLegs } from './job-index.ts';

/**
 * Finds what is wrong with the names that jobs use for stages and each other, whatever rules say: `ci lint` and
 * `plan` both call it. Names that an incomplete pipeline does not know are warnings.
 */
export function checkReferences(pipeline: Pipeline): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (diagnostic) => diagnostics.push(diagnostic);
  const index = indexJobs(pipeline);
  checkRules(pipeline.workflow.rules, report);
  // Jobs share the rules of their templates.
  const lists = new Set(index.jobs.map((job) => job.definition.rules));
  for (const rules of lists) checkRules(rules, report);
  checkNames(index, report);
  for (const job of index.jobs) {
    checkStage(job, pipeline, report);
    const { only, except } = job.definition.refPolicy ?? {};
    for (const part of [only, except]) checkGlobs(part?.changes, report);
    checkNeeds(job, job.definition.needs, index, pipeline, report);
    for (const rule of job.definition.rules ?? []) checkNeeds(job, rule.needs, index, pipeline, report);
    checkDependencies(job, index, pipeline, report);
  }
  checkCycles(index, report);
  checkVariables(pipeline, report);
  return diagnostics;
}

function checkStage(job: ExpandedJob, pipeline: Pipeline, report: Report): void {
  if (job.stageIndex >= 0) return;
  const { name, stage } = job.definition;
  const names = pipeline.stages.slice(1, -1).join(', ');
  const hint =
    didYouMean(stage.value, pipeline.stages) ?? (names === '' ? 'add it to `stages`' : `the stages are ${names}`);
  report({
    code: 'plan/unknown-stage',
    severity: pipeline.incomplete ? 'warning' : 'error',
    message: `stage \`${stage.value}\` of job \`${name}\` does not exist`,
    span: stage.span,
    hint,
  });
}

function checkNames(index: JobIndex, report: Report): void {
  const owners = new Map<string, ExpandedJob>();
  for (const job of index.jobs) {
    const names = new Set([job.definition.name, ...job.legs.map((leg) => leg.name)]);
    for (const name of names) {
      const owner = owners.get(name);
      if (owner) {
        report({
          code: 'plan/duplicate-name',
          severity: 'error',
          message: `two jobs are called \`${name}\``,
          span: job.definition.span,
          related: [{ message: 'the other one', span: owner.definition.span }],
        });
      }
      owners.set(name, job);
    }
    const long = [...names].find((name) => name.length > maxNameLength);
    if (long === undefined) continue;
    report({
      code: 'plan/name-too-long',
      severity: 'error',
      message: `the name \`${long.slice(0, 60)}…\` has ${long.length} characters, at most ${maxNameLength} are allowed`,
      span: job.definition.span,
    });
  }
}

function checkNeeds(
  job: ExpandedJob,
  needs: readonly Need[] | undefined,
  index: JobIndex,
  pipeline: Pipeline,
  report: Report,
): void {
  for (const need of needs ?? []) checkNeed(job, need, index, pipeline, report);
  checkTwice(job, needs ?? [], index, report);
}

/** GitLab refuses a need that is written twice, but two entries may name different legs of one job. */
function checkTwice(job: ExpandedJob, needs: readonly Need[], index: JobIndex, report: Report): void {
  const first = new Map<string, Need>();
  for (const need of needs) {
    const named = index.find(need.job);
    const leg = job.legs[0];
    const legs = named && leg ? neededLegs(need, named, leg).map(({ name }) => name) : [need.job];
    const twice = legs.find((name) => first.has(name));
    for (const name of legs) if (!first.has(name)) first.set(name, need);
    if (twice === undefined) continue;
    report({
      code: 'plan/duplicate-need',
      severity: 'error',
      message: `job \`${job.definition.name}\` needs \`${twice}\` twice`,
      span: need.span,
      related: [{ message: 'the other one', span: first.get(twice)!.span }],
    });
  }
}

function checkNeed(job: ExpandedJob, need: Need, index: JobIndex, pipeline: Pipeline, report: Report): void {
  const { name } = job.definition;
  const named = index.find(need.job);
  const { span } = need;
  if (!named) {
    // An optional need may name what only an include of another branch brings; GitLab takes it.
    if (need.optional) return;
    const severity = pipeline.incomplete ? 'warning' : 'error';
    const hint = index.suggest(need.job) ?? 'write `optional: true` if an include does not always bring it';
    const message = `job \`${name}\` needs \`${need.job}\`, which does not exist`;
    report({ code: 'plan/unknown-need', severity, message, span, hint });
  } else if (named.job === job) {
    report({
      code: 'plan/need-itself',
      severity: 'error',
      message: `job \`${name}\` needs itself`,
      span,
      hint: 'take it out of its own `needs`',
    });
  } else if (job.stageIndex >= 0 && named.job.stageIndex > job.stageIndex) {
    report({
      code: 'plan/need-later-stage',
      severity: 'error',
      message: `job \`${name}\` in stage \`${job.definition.stage.value}\` needs \`${need.job}\` of the later stage \`${named.job.definition.stage.value}\``,
      span,
      hint: 'move one of them to another stage, or turn the order in `stages` round',
      related: [{ message: 'its stage', span: named.job.definition.stage.span }],
    });
  } else if (job.legs.some((leg) => neededLegs(need, named, leg).length === 0)) {
    report({
      code: 'plan/unknown-need',
      severity: 'error',
      message: `job \`${name}\` needs legs of \`${need.job}\` that its matrix does not have`,
      span,
      hint: 'names and values have to be those of its `parallel:matrix`',
    });
  }
}

function checkDependencies(job: ExpandedJob, index: JobIndex, pipeline: Pipeline, report: Report): void {
  const { definition } = job;
  if (definition.kind !== 'job') return;
  const { name, needs } = definition;
  const needed = needs && new Set(needs.flatMap((need) => [need.job, index.find(need.job)?.job.definition.name]));
  for (const { value, span } of definition.dependencies ?? []) {
    const named = index.find(value);
    if (!named) {
      const severity = pipeline.incomplete ? 'warning' : 'error';
      const hint = index.suggest(value) ?? 'take it out of `dependencies`';
      const message = `job \`${name}\` depends on \`${value}\`, which does not exist`;
      report({ code: 'plan/unknown-dependency', severity, message, span, hint });
    } else if (needed && !needed.has(value) && !needed.has(named.job.definition.name)) {
      report({
        code: 'plan/dependency-not-needed',
        severity: 'error',
        message: `job \`${name}\` depends on \`${value}\`, which is not among its needs`,
        span,
        hint: `add \`${value}\` to \`needs\``,
      });
    } else if (!needed && job.stageIndex >= 0 && named.job.stageIndex >= job.stageIndex) {
      // GitLab lets a job of the same stage pass and then fetches nothing from it.
      const same = named.job.stageIndex === job.stageIndex;
      report({
        code: 'plan/dependency-later-stage',
        severity: same ? 'warning' : 'error',
        message: `job \`${name}\` depends on \`${value}\`, which is in ${same ? 'the same stage: nothing is fetched from it' : 'a later stage'}`,
        span,
        related: [{ message: 'its stage', span: named.job.definition.stage.span }],
      });
    }
  }
}

function checkCycles(index: JobIndex, report: Report): void {
  const edges = new Map<string, readonly string[]>();
  for (const job of index.jobs) {
    const targets = (job.definition.needs ?? []).map((need) => index.find(need.job)?.job);
    const names = targets.filter((target) => target && target !== job).map((target) => target!.definition.name);
    edges.set(job.definition.name, names);
  }
  const cycle = findCycle(edges);
  if (cycle) report(cycleDiagnostic(cycle, index));
}

/** @param cycle names of definitions, the first again at the end. */
export function cycleDiagnostic(cycle: readonly string[], index: JobIndex): Diagnostic {
  const [first, second] = cycle;
  const from = index.find(first!)?.job.definition;
  const span = from?.needs?.find((need) => index.find(need.job)?.job.definition.name === second)?.span ?? from?.span;
  return {
    code: 'plan/need-cycle',
    severity: 'error',
    message: `jobs need each other in a circle: ${cycle.map((name) => `\`${name}\``).join(' → ')}`,
    hint: 'none of them could ever start: take one of these needs away',
    ...(span === undefined ? {} : { span }),
  };
}
