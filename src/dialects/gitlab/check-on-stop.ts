import type { Environment, JobDefinition } from '../../model/pipeline.ts';
import { suggester } from '../../util/nearest.ts';
import type { Reading } from './reading.ts';

/**
 * `environment:on_stop` names a job that stops this very environment.
 * Source: lib/gitlab/ci/yaml_processor.rb (`validate_on_stop_job!`)
 */
export function checkOnStop(jobs: readonly JobDefinition[], reading: Reading): void {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const suggest = suggester(() => byName.keys());
  for (const job of jobs) {
    const { environment } = job;
    const onStop = environment?.onStop;
    if (environment === undefined || onStop === undefined) continue;
    const stop = byName.get(onStop.value);
    const problem = stopProblem(environment, stop);
    if (problem === undefined) continue;
    const hint = stop ? undefined : suggest(onStop.value);
    reading.report({
      code: 'gitlab/on-stop',
      severity: stop === undefined && reading.incomplete ? 'warning' : 'error',
      message: `\`on_stop\` of \`${job.name}\` names \`${onStop.value}\`, ${problem}`,
      span: onStop.span,
      ...(hint === undefined ? {} : { hint }),
      ...(stop ? { related: [{ message: 'the job that it names', span: stop.span }] } : {}),
    });
  }
}

function stopProblem(environment: Environment, stop: JobDefinition | undefined): string | undefined {
  if (stop === undefined) return 'which does not exist';
  const other = stop.environment;
  if (other === undefined) return 'which has no environment';
  if (other.name !== environment.name) return `which has another environment: \`${other.name}\``;
  return other.action === 'stop' ? undefined : 'whose environment lacks `action: stop`';
}
