import type { RunnerEntry } from './runner-config.ts';

/** Executors of runners that are there. */
export const knownExecutors = ['docker', 'shell', 'ssh'] as const;

/** Is there such an executor here? */
export function isKnownExecutor(name: string): boolean {
  return (knownExecutors as readonly string[]).includes(name);
}

/** May its server be asked for jobs? Jobs of a runner that can't run them are left for others. */
export function canTakeJobs({ token, executor }: Pick<RunnerEntry, 'token' | 'executor'>): boolean {
  return token !== '' && isKnownExecutor(executor);
}
