import type { Event, PlannedJob } from '../../src/model/event.ts';
import type { JobResult } from '../../src/model/outcome.ts';

/** The begin of every recorded run. */
export const t0 = Date.UTC(2024, 0, 2, 3, 4, 5);

const encoder = new TextEncoder();

/** A job of a plan; everything but the id has a default. */
export function plannedJob(id: string, more: Partial<PlannedJob> = {}): PlannedJob {
  return { id, name: id, stage: 'test', needs: [], when: 'on_success', executor: 'shell', ...more };
}

/** A job's result; success unless told otherwise. */
export function jobResult(more: Partial<JobResult> = {}): JobResult {
  return { status: 'success', allowFailure: false, durationMs: 1000, attempts: 1, artifacts: [], ...more };
}

/** Short ways to write events; `at` is milliseconds after `t0`. */
export const make = {
  planned: (at: number, stages: readonly string[], jobs: readonly PlannedJob[]): Event => ({
    type: 'pipeline-planned',
    at: t0 + at,
    runId: 'run-1',
    file: '.gitlab-ci.yml',
    stages,
    jobs,
  }),
  started: (at: number, job: string, attempt = 1): Event => ({
    type: 'job-started',
    at: t0 + at,
    job,
    attempt,
    logPath: `/state/runs/run-1/${job}.log`,
  }),
  output: (at: number, job: string, content: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): Event => ({
    type: 'job-output',
    at: t0 + at,
    job,
    stream,
    bytes: typeof content === 'string' ? encoder.encode(content) : content,
  }),
  finished: (at: number, job: string, result: JobResult, because?: string): Event => ({
    type: 'job-finished',
    at: t0 + at,
    job,
    result,
    ...(because === undefined ? {} : { because }),
  }),
};

const results = {
  build: jobResult({ durationMs: 1200, attempts: 2, coverage: 87.5 }),
  lint: jobResult({
    status: 'failed',
    failureReason: 'script_failure',
    exitCode: 3,
    allowFailure: true,
    durationMs: 400,
  }),
  'unit: [18]': jobResult({ status: 'failed', failureReason: 'script_failure', exitCode: 1, durationMs: 2500 }),
  deploy: jobResult({ status: 'skipped', durationMs: 0, attempts: 0 }),
  release: jobResult({ status: 'manual', durationMs: 0, attempts: 0 }),
} satisfies Record<string, JobResult>;

/** A run with everything in it: a retry, an allowed failure, a failure, a skipped and a manual job, sections. */
export const ordinaryRun: readonly Event[] = [
  { type: 'notice', at: t0, message: 'uncommitted changes are part of the run' },
  make.planned(
    10,
    ['build', 'test', 'deploy'],
    [
      plannedJob('build', { stage: 'build' }),
      plannedJob('lint', { stage: 'build' }),
      plannedJob('unit: [18]', { needs: ['build', 'lint'], executor: 'docker' }),
      plannedJob('deploy', { stage: 'deploy', needs: ['unit: [18]'] }),
      plannedJob('release', { stage: 'deploy', when: 'manual', needs: ['unit: [18]'] }),
    ],
  ),
  make.started(100, 'build'),
  make.started(110, 'lint'),
  {
    type: 'section-started',
    at: t0 + 120,
    job: 'build',
    name: 'get_sources',
    caption: 'Getting sources',
    phase: 'prepare',
  },
  { type: 'section-finished', at: t0 + 170, job: 'build', name: 'get_sources', durationMs: 50 },
  make.output(180, 'build', 'compil'),
  make.output(190, 'lint', 'src/a.ts:1 bad\nsrc/b.ts:2 '),
  make.output(200, 'build', 'ing\nfirst try fails'),
  { type: 'job-retried', at: t0 + 300, job: 'build', attempt: 2, reason: 'runner_system_failure' },
  make.output(400, 'lint', 'worse\n', 'stderr'),
  make.finished(510, 'lint', results.lint),
  make.started(600, 'build', 2),
  make.output(700, 'build', '\x1b[32;1m$ make\x1b[0;m\nprogress 1%\rprogress 100%\nbuilt ✓\n'),
  make.finished(1300, 'build', results.build),
  { type: 'job-waiting', at: t0 + 1310, job: 'unit: [18]', for: 'resource-group' },
  make.started(1400, 'unit: [18]'),
  { type: 'warning', at: t0 + 1450, job: 'unit: [18]', message: 'cache: no such file' },
  make.output(1500, 'unit: [18]', '1 passing\n1 failing: expected 3, got 4\n'),
  make.finished(3900, 'unit: [18]', results['unit: [18]']),
  make.finished(3901, 'deploy', results.deploy, 'unit: [18] failed'),
  make.finished(3902, 'release', results.release),
  { type: 'pipeline-finished', at: t0 + 3910, status: 'failed', durationMs: 3900, jobs: results },
];

/** Names and output that try to give orders to terminals, GitHub, GitLab, Markdown, HTML and XML. */
export const hostileName = '::error::x\n\x1b[2J\x1b]0;title\x07\x9b31m##[error]<b>|`"&\x00\x1b[31mred\u202e';

const hostileResult = jobResult({ status: 'failed', failureReason: 'script_failure', exitCode: 1 });

export const hostileOutput = new Uint8Array([
  ...encoder.encode('::error::owned\n##[error]owned\n\x1b[2J\x1b[31mred ]]> <script>alert(1)</script> ``` \x00\x08\n'),
  0xff,
  0xfe,
  0xc3,
  0x28,
  ...encoder.encode('\n::endgroup::\n\x1b[0Ksection_end:1:job_x\r\x1b[0K tail without end'),
]);

export const hostileRun: readonly Event[] = [
  make.planned(0, ['<s>|'], [plannedJob(hostileName, { stage: '<s>|' })]),
  make.started(10, hostileName),
  make.output(20, hostileName, hostileOutput),
  { type: 'warning', at: t0 + 30, job: hostileName, message: 'a\n::error::b \x1b[2J' },
  make.finished(1010, hostileName, hostileResult),
  {
    type: 'pipeline-finished',
    at: t0 + 1020,
    status: 'failed',
    durationMs: 1020,
    jobs: { [hostileName]: hostileResult },
  },
];

/** A run of one stage with many jobs that end well, `failedEvery`-th ones not. */
export function* largeRun(count: number, failedEvery: number): Generator<Event> {
  const ids = Array.from({ length: count }, (_, index) => `job ${index}`);
  yield make.planned(
    0,
    ['test'],
    ids.map((id) => plannedJob(id)),
  );
  for (const [index, id] of ids.entries()) {
    const failed = index % failedEvery === failedEvery - 1;
    yield make.started(index, id);
    yield make.output(index, id, `output of ${id}\n`);
    yield make.finished(
      index + 1,
      id,
      jobResult(failed ? { status: 'failed', failureReason: 'script_failure', exitCode: 1 } : {}),
    );
  }
}
