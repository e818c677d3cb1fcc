import { type Engine, type EngineAttempt, shortReason } from '../../executors/docker/engine.ts';
import { SystemError } from '../../model/outcome.ts';
import { memoryText } from '../../model/resource-text.ts';
import { formatDuration } from '../../util/duration.ts';
import type { Check, Finding, Machine } from './check.ts';

/** More than this and times of files mean something else there, milliseconds. */
const mostClockSkewMs = 5000;
/** Images of today want at least this much. */
const fewBytes = 2 ** 30;

/** Which container engine is found, what was tried, and what it can. */
export const engineCheck: Check = {
  id: 'engine',
  look: async (machine) => {
    try {
      const { attempts, engine } = await machine.engine();
      return engine === undefined ? await noEngine(machine, attempts) : await describe(engine, attempts);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return unusable(machine, error.message);
    }
  },
};

async function noEngine(machine: Machine, attempts: readonly EngineAttempt[]): Promise<Finding> {
  return {
    ...(await unusable(machine, ['none answers', ...attempts.map(attemptLine)].join('\n'))),
    details: { attempts },
  };
}

/** Nobody needs an engine for a pipeline without images. */
async function unusable(machine: Machine, message: string): Promise<Finding> {
  const pipeline = await machine.pipeline();
  const jobs = pipeline.kind === 'valid' ? pipeline.jobsInDocker : 0;
  const fix = 'start Docker or Podman, or set DOCKER_HOST to where it listens';
  if (jobs === 0) return { status: 'warn', message, fix: `${fix}; jobs without an image need none` };
  const needs = `${jobs === 1 ? 'a job' : `${jobs} jobs`} of this pipeline ${jobs === 1 ? 'runs' : 'run'} in containers`;
  return { status: 'fail', message: `${message}\n${needs}`, fix: `${fix}; or run all in the shell: -e shell` };
}

function attemptLine({ text, source, problem }: EngineAttempt): string {
  return `${text} (${source}): ${problem ?? 'answers'}`;
}

async function describe(engine: Engine, attempts: readonly EngineAttempt[]): Promise<Finding> {
  const name = engine.kind === 'podman' ? 'Podman' : 'Docker';
  const tried = attempts.map(attemptLine);
  let facts: Awaited<ReturnType<Engine['facts']>>;
  let apiVersion: string;
  try {
    facts = await engine.facts();
    apiVersion = (await engine.api.version()).ApiVersion;
  } catch (error) {
    const message = [`${name} answers, but does not tell what it is: ${shortReason(error)}`, ...tried].join('\n');
    return { status: 'fail', message, fix: 'look into the log of the engine', details: { attempts } };
  }
  const { version, security, storageDriver, cgroupVersion, cgroupDriver, memoryBytes, cpus, clockAheadMs } = facts;
  const isRootless = security.includes('rootless');
  const details = {
    name,
    version,
    apiVersion,
    address: engine.text,
    isLocal: engine.isLocal,
    isRootless,
    operatingSystem: facts.operatingSystem,
    architecture: facts.architecture,
    storageDriver,
    cgroupVersion,
    cgroupDriver,
    memoryBytes,
    cpus,
    security,
    ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
    warnings: facts.warnings,
    attempts,
  };
  const lines = [
    `${name} ${version} (API ${apiVersion})${isRootless ? ', rootless' : ''} on ${facts.operatingSystem} ${facts.architecture}`,
    `storage ${storageDriver}, cgroups v${cgroupVersion || '?'} by ${cgroupDriver}, ${memoryText(memoryBytes)} memory, ${cpus} CPUs`,
    ...tried,
  ];
  const problem = problemOf(facts.system, memoryBytes, clockAheadMs, facts.warnings);
  if (problem === undefined) return { status: 'ok', message: lines.join('\n'), details };
  return { status: problem.status, message: [...lines, problem.what].join('\n'), fix: problem.fix, details };
}

function problemOf(
  system: string,
  memoryBytes: number,
  clockAheadMs: number | undefined,
  warnings: readonly string[],
): { readonly status: 'warn' | 'fail'; readonly what: string; readonly fix: string } | undefined {
  if (system !== 'linux') {
    const what = `it runs containers of ${system || 'an unknown system'}`;
    return { status: 'fail', what, fix: 'switch it to Linux containers: jobs are shell scripts' };
  }
  if (clockAheadMs !== undefined && Math.abs(clockAheadMs) > mostClockSkewMs) {
    const what = `its clock is ${formatDuration(Math.abs(clockAheadMs))} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`;
    return { status: 'warn', what, fix: "set its clock (a virtual machine's stands still while a laptop sleeps)" };
  }
  if (memoryBytes > 0 && memoryBytes < fewBytes) {
    const fix = "give the engine's virtual machine more memory";
    return { status: 'warn', what: `it has only ${memoryText(memoryBytes)} of memory`, fix };
  }
  const limits = warnings.filter((text) => /No (memory|cpu|pids|swap)/i.test(text));
  if (limits.some((text) => /No memory limit/i.test(text))) {
    const fix = 'boot the kernel with cgroups for memory (cgroup_enable=memory), or take cgroups v2';
    return { status: 'warn', what: 'it can not limit the memory of jobs', fix };
  }
  return undefined;
}
