import type { Action } from './options.ts';

/** The code behind each command, loaded when it is called: nothing is loaded that a command does not need. */
export const actions: Readonly<Record<string, () => Promise<Action<never>>>> = {
  run: async () => (await import('./commands/run.ts')).run,
  lint: async () => (await import('./commands/lint.ts')).lint,
  list: async () => (await import('./commands/list.ts')).list,
  graph: async () => (await import('./commands/graph.ts')).graph,
  fetch: async () => (await import('./commands/fetch.ts')).fetch,
  plan: async () => (await import('./commands/plan.ts')).plan,
  explain: async () => (await import('./commands/explain.ts')).explain,
  config: async () => (await import('./commands/config.ts')).config,
  logs: async () => (await import('./commands/logs.ts')).logs,
  artifacts: async () => (await import('./commands/artifacts.ts')).artifacts,
  shell: async () => (await import('./commands/shell.ts')).shell,
  runs: async () => (await import('./commands/runs.ts')).runs,
  clean: async () => (await import('./commands/clean.ts')).clean,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  schema: async () => (await import('./commands/schema.ts')).schema,
  'runner register': async () => (await import('./commands/runner-register.ts')).runnerRegister,
  'runner run': async () => (await import('./commands/runner-run.ts')).runnerRun,
  'runner verify': async () => (await import('./commands/runner-kept.ts')).runnerVerify,
  'runner unregister': async () => (await import('./commands/runner-kept.ts')).runnerUnregister,
  'runner list': async () => (await import('./commands/runner-kept.ts')).runnerList,
  'runner reset-token': async () => (await import('./commands/runner-kept.ts')).runnerResetToken,
  completion: async () => (await import('./commands/completion.ts')).completion,
  __reap: async () => (await import('./commands/reap.ts')).reap,
  __complete: async () => (await import('./commands/complete.ts')).complete,
};
