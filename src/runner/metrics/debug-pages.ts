import { canTakeJobs } from '../config/known-executors.ts';
import { shortToken } from '../runner-log.ts';
import { type DebugPage, plainPage } from './debug-server.ts';
import type { MetricSources, RunnerMetrics } from './runner-metrics.ts';

/** The pages of a program that runs jobs of servers. No page shows a token or a variable. */
export function debugPages(
  sources: MetricSources,
  metrics: Pick<RunnerMetrics, 'text' | 'jobs'>,
): Readonly<Record<string, () => DebugPage>> {
  return {
    '/metrics': () => ({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.text() }),
    '/debug/jobs/list': () => ({ ...plainPage(200, metrics.jobs()), headers: { 'X-List-Version': '2' } }),
    '/debug/process/state': () => plainPage(200, `${sources.processState()}\n`),
    '/health/ready': () => {
      const state = sources.processState();
      return plainPage(state === 'running' ? 200 : 503, `${state}\n`);
    },
    '/debug/health': () => healthPage(sources),
  };
}

/** 503 when every runner rests, because its server could not be asked too often. */
function healthPage({ config, stateOf, processState }: MetricSources): DebugPage {
  const runners = config().runners.map((runner) => {
    const state = stateOf(runner);
    const healthy = canTakeJobs(runner) && !state.isResting();
    return { runner: shortToken(runner.token), name: runner.name, healthy, jobs: state.jobs };
  });
  const isHealthy = runners.length === 0 || runners.some(({ healthy }) => healthy);
  const body = { status: isHealthy ? 'ok' : 'unhealthy', state: processState(), runners };
  return { status: isHealthy ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
