import type { CallObserved } from '../network/transport.ts';
import { shortToken } from '../runner-log.ts';
import { counter, histogram } from './metric-families.ts';

const durationBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** GitLab Runner's words for the calls that it counts by status. */
const endpoints: Readonly<Record<string, string>> = {
  'POST jobs/request': 'request_job',
  'PUT jobs/{id}': 'update_job',
  'PATCH jobs/{id}/trace': 'patch_trace',
  'POST runners/reset_authentication_token': 'reset_token',
};

/** What is counted of calls to servers. */
export interface CallMetrics {
  called(call: CallObserved): void;
  text(): string;
}

/** Makes the counts of calls. */
export function callMetrics(systemId: string): CallMetrics {
  const statuses = counter('gitlab_runner_api_request_statuses_total', 'Calls to servers by what they answered.');
  const durations = histogram(
    'gitlab_runner_api_request_duration_seconds',
    'How long calls to servers took, with all of their tries.',
    durationBounds,
  );
  const attempts = counter(
    'gitlab_runner_api_request_retries_total',
    'Tries of calls to servers, the first one counted too.',
  );
  return {
    called({ credentials, method: written, path, status, durationMs, attempts: tries }) {
      const method = written.toLowerCase();
      attempts.add({ path, method }, tries);
      const endpoint = endpoints[`${written} ${path}`];
      if (endpoint === undefined) return;
      const labels = { runner: shortToken(credentials.token), system_id: systemId, endpoint, method };
      statuses.add({ ...labels, status: String(status) });
      durations.observe({ ...labels, status_class: statusClass(status) }, durationMs / 1000);
    },
    text: () => [statuses, durations, attempts].map((family) => family.text()).join(''),
  };
}

function statusClass(status: number): string {
  return status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : 'unknown';
}
