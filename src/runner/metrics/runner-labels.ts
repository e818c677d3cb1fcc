import type { RunnerEntry } from '../config/runner-config.ts';
import { shortToken } from '../runner-log.ts';
import type { Labels } from './metric-families.ts';

/** The labels of one runner of the file, as GitLab Runner has them; of its token only what may be shown. */
export function runnerLabels({ token, name }: RunnerEntry, systemId: string): Labels {
  return { runner: shortToken(token), runner_name: name, system_id: systemId };
}
