import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { JobDefinition, Need, Pipeline } from '../model/pipeline.ts';

/**
 * Finds needs of jobs that rules keep out of every pipeline, as far as that can be known without one. `plan` knows it
 * for the pipeline at hand; this is for `ci lint`, which knows none.
 */
export function checkPresence(pipeline: Pipeline): readonly Diagnostic[] {
  const byName = new Map(pipeline.jobs.map((job) => [job.name, job]));
  const presences = new Map<JobDefinition, Presence>();
  const presence = (job: JobDefinition): Presence => {
    const known = presences.get(job) ?? presenceOf(job);
    presences.set(job, known);
    return known;
  };
  return pipeline.jobs.flatMap((job) => {
    if (job.needs === undefined || presence(job) === 'never') return [];
    return job.needs.flatMap((need) => {
      const needed = need.optional ? undefined : byName.get(need.job);
      return needed && presence(needed) === 'never' ? [leftOut(job, need, needed, presence(job))] : [];
    });
  });
}

type Presence = 'always' | 'sometimes' | 'never';

/** What rules without conditions, and `when: never` alone, tell. */
function presenceOf({ rules, refPolicy }: JobDefinition): Presence {
  if (rules === undefined) return refPolicy === undefined || refPolicy.only?.assumed ? 'always' : 'sometimes';
  const sure = rules.findIndex((rule) => !rule.if && !rule.changes && !rule.exists);
  const reached = sure < 0 ? rules : rules.slice(0, sure + 1);
  if (reached.every((rule) => rule.when === 'never')) return 'never';
  return sure >= 0 && reached.every((rule) => rule.when !== 'never') ? 'always' : 'sometimes';
}

function leftOut(job: JobDefinition, need: Need, needed: JobDefinition, presence: Presence): Diagnostic {
  return {
    code: 'plan/need-left-out',
    severity: presence === 'always' ? 'error' : 'warning',
    message: `job \`${job.name}\` needs \`${needed.name}\`, which its rules keep out of every pipeline`,
    span: need.span,
    hint: 'write `optional: true` if it can do without',
    related: [{ message: 'the needed job', span: needed.span }],
  };
}
