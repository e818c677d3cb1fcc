import type { Exit, Outcome } from '../model/outcome.ts';
import type { LogSink } from '../model/ports.ts';
import type { RunStep } from '../model/step.ts';
import { anySignal } from '../util/any-signal.ts';
import type { Clock } from '../util/clock.ts';
import { parseGoDuration } from '../util/go-duration.ts';
import { shortened } from '../util/shortened.ts';
import { endedOutcome, failureOf, goDuration, over, startTimer, timedOut } from './job-limits.ts';
import type { JobRun, ScriptStatus } from './job-run.ts';
import { statusVariables } from './job-variables.ts';
import { scriptText, shellOf } from './script-text.ts';
import { pathIn } from './session-path.ts';

/** How a script ended. `limit`: by its own time limit, after which `after_script` still runs. */
export interface ScriptEnd {
  readonly failure?: Outcome;
  readonly limit?: 'own';
}

/** GitLab's default for `after_script`. Source: https://docs.gitlab.com/ci/runners/configure_runners/ */
const afterScriptMs = 5 * 60_000;

/** Runs a step of the user's own commands; `RUNNER_SCRIPT_TIMEOUT` bounds it. */
export async function runScript(run: JobRun, step: RunStep): Promise<ScriptEnd> {
  const limitMs = earliest(step.timeoutMs, await limitVariable(run, 'RUNNER_SCRIPT_TIMEOUT'));
  const { exit, stoppedBy } = await execute(run, step, { status: 'running', limitMs, signal: run.limits.soft });
  // How a script that was told to stop ended says nothing: a `trap` may well end it with 0.
  const ending = run.limits.ending();
  if (ending !== undefined) {
    if (ending.kind === 'canceled') await run.log.warning(run.deps.cancelWords ?? 'script canceled');
    return { failure: endedOutcome(ending) };
  }
  if (stoppedBy === 'time') return { failure: timedOut(limitMs!), limit: 'own' };
  if (stoppedBy === 'silence') {
    const quietMs = step.noOutputTimeoutMs!;
    return { failure: timedOut(quietMs, `too long with no output (exceeded ${goDuration(quietMs)})`), limit: 'own' };
  }
  const failure = failureOf(exit, run.deps.exitWords);
  return failure === undefined ? {} : { failure };
}

/** Where several steps fail alike, and their commands are not printed, the message names the one that did. */
export function named(failure: Outcome | undefined, { echo, name }: RunStep): Outcome | undefined {
  if (echo !== 'plain' || failure?.status !== 'failed' || failure.message === undefined) return failure;
  return { ...failure, message: `${failure.message} in "${shortened(name)}"` };
}

/**
 * Runs `after_script` in a shell of its own; whatever comes of it, the job's result stays, unless `AFTER_SCRIPT_IGNORE_ERRORS` says
 * otherwise. Source: https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts
 * @returns the failure that counts.
 */
export async function runAfterScript(run: JobRun, step: RunStep, status: ScriptStatus): Promise<Outcome | undefined> {
  const limitMs = (await limitVariable(run, 'RUNNER_AFTER_SCRIPT_TIMEOUT')) ?? step.timeoutMs ?? afterScriptMs;
  const { exit, stoppedBy } = await execute(run, step, { status, limitMs, signal: run.limits.hard });
  if (exit.kind === 'code' && exit.code === 0) return undefined;
  const counts = /^(false|0)$/i.test(run.variables.get('AFTER_SCRIPT_IGNORE_ERRORS') ?? '');
  if (stoppedBy === 'time') {
    await run.log.warning(`after_script took longer than ${goDuration(limitMs)} and was ended`);
    return counts ? timedOut(limitMs) : undefined;
  }
  const failure = failureOf(exit, run.deps.exitWords);
  if (counts) return failure;
  const why = failure?.status === 'failed' ? failure.message : undefined;
  await run.log.warning(`after_script failed, but job will continue unaffected: ${why ?? 'ended early'}`);
  return undefined;
}

interface Execution {
  readonly exit: Exit;
  readonly stoppedBy: 'time' | 'silence' | 'nothing';
}

async function execute(
  run: JobRun,
  step: RunStep,
  given: { readonly status: string; readonly limitMs: number | undefined; readonly signal: AbortSignal },
): Promise<Execution> {
  const { session, log, deps, variables } = run;
  const timer = given.limitMs === undefined ? undefined : startTimer(deps.clock, given.limitMs);
  const silence = step.noOutputTimeoutMs === undefined ? undefined : watchSilence(deps.clock, step.noOutputTimeoutMs);
  const listen = (sink: LogSink): LogSink => (silence === undefined ? sink : silence.listen(sink));
  const signals = [given.signal, timer?.signal, silence?.signal].filter((signal) => signal !== undefined);
  using stop = anySignal(signals);
  const shell = step.shell === undefined ? undefined : variables.expand(step.shell);
  const trace = /^(true|t|1)$/i.test(variables.get('CI_DEBUG_TRACE') ?? '') ? 'on' : 'off';
  try {
    const exit = await session.run(
      {
        script: scriptText(step.script, {
          shell: shell === undefined ? session.shell : shellOf(shell),
          echo: step.echo,
          ...(session.programs === undefined ? {} : { programs: session.programs }),
          ...(variables.get('GITLAB_ENV') === undefined ? {} : { environmentFileIn: 'GITLAB_ENV' }),
          trace,
        }),
        ...(shell === undefined ? {} : { shell }),
        env: variables.env([...statusVariables(run.spec, given.status), ...step.variables]),
        ...(step.directory === undefined
          ? {}
          : { directory: pathIn(run.spec, session, variables.expand(step.directory)) }),
        stdout: listen(log.stdout),
        stderr: listen(log.stderr),
        ...(step.background ? { background: true } : {}),
      },
      stop.signal,
    );
    const stoppedBy = timer?.expired() ? 'time' : silence?.expired() ? 'silence' : 'nothing';
    return { exit, stoppedBy };
  } finally {
    timer?.stop();
    silence?.stop();
    await log.flush();
  }
}

/** Aborts its signal when nothing was written for so long. */
function watchSilence(clock: Clock, limitMs: number) {
  const controller = new AbortController();
  const stopped = new AbortController();
  let latest = clock.elapsed();
  const watch = async (): Promise<void> => {
    for (let left = limitMs; left > 0; left = latest + limitMs - clock.elapsed()) {
      await clock.sleep(left, stopped.signal);
      if (stopped.signal.aborted) return;
    }
    controller.abort(new Error('too long with no output'));
  };
  void watch();
  return {
    signal: controller.signal,
    expired: () => controller.signal.aborted,
    stop: () => stopped.abort(over),
    listen: (sink: LogSink): LogSink => ({
      write(bytes) {
        latest = clock.elapsed();
        return sink.write(bytes);
      },
    }),
  };
}

/**
 * A time limit that a variable holds, in Go's way of writing, as with GitLab Runner: `90s`, `1h20m`; a number alone is none.
 * @returns milliseconds; undefined when it is absent, or 0, or wrong, which the log tells.
 */
async function limitVariable(run: JobRun, name: string): Promise<number | undefined> {
  const text = run.variables.get(name)?.trim() ?? '';
  if (text === '') return undefined;
  const ms = parseGoDuration(text);
  if (ms === undefined || ms < 0) {
    await run.log.warning(`${name} is ignored: "${text}" is no duration such as 90s or 1h20m`);
    return undefined;
  }
  return ms === 0 ? undefined : ms;
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
