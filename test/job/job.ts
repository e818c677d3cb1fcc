import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import type { JobDeps } from '../../src/job/job-run.ts';
import { runJob } from '../../src/job/run-job.ts';
import type { Event } from '../../src/model/event.ts';
import type { FileTree } from '../../src/model/files.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { ArtifactPort, CachePort, LogSink, WorkspaceLayer } from '../../src/model/ports.ts';
import type { RunStep, SaveCacheStep, Step, UploadArtifactsStep } from '../../src/model/step.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { type MemoryExecutor, memoryExecutor, readTree } from '../support/memory-session.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'job-test-'));
  directories.push(directory);
  return directory;
}

export function tree(files: Readonly<Record<string, string>>): FileTree {
  const root = temporary();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, immutable: true };
}

export const script = (...commands: string[]): RunStep => ({
  kind: 'run',
  phase: 'script',
  when: 'on_success',
  name: 'step_script',
  script: commands,
  echo: 'gitlab',
  variables: [],
  background: false,
});

export const afterScript = (...commands: string[]): RunStep => ({
  ...script(...commands),
  phase: 'after',
  when: 'always',
  name: 'after_script',
});

export const upload = (paths: readonly string[], rest: Partial<UploadArtifactsStep> = {}): UploadArtifactsStep => ({
  kind: 'upload-artifacts',
  phase: 'finish',
  when: 'on_success',
  type: 'archive',
  paths,
  exclude: [],
  untracked: false,
  ...rest,
});

export const save = (text: string, rest: Partial<SaveCacheStep> = {}): SaveCacheStep => ({
  kind: 'save-cache',
  phase: 'finish',
  when: 'on_success',
  key: { kind: 'text', text },
  paths: ['vendor'],
  untracked: false,
  overwrite: true,
  ...rest,
});

export const checkout: Step = { kind: 'checkout', phase: 'prepare', when: 'always' };
export const download: Step = { kind: 'download-artifacts', phase: 'prepare', when: 'on_success' };

export function specOf(steps: readonly Step[], rest: Partial<JobSpec> = {}): JobSpec {
  return {
    id: 'build',
    name: 'build',
    stage: 'build',
    runId: 'run-1',
    attempt: 1,
    executor: 'fake',
    variables: [],
    services: [],
    steps,
    source: { kind: 'none' },
    projectPath: 'group/project',
    dependencies: [],
    workspaceFrom: [],
    timeoutMs: 3_600_000,
    ...rest,
  };
}

/** A store in temporary directories. */
export function memoryArtifacts(
  given: { fetched?: Readonly<Record<string, FileTree>>; layers?: readonly WorkspaceLayer[] } = {},
) {
  const stored: {
    readonly step: UploadArtifactsStep;
    readonly files: Record<string, string>;
    readonly entries: readonly string[];
  }[] = [];
  const persisted: Record<string, string>[] = [];
  const port: ArtifactPort = {
    fetch: async ({ id }) => given.fetched?.[id],
    store: async (_job, step, fill) => {
      const path = temporary();
      const taken = await fill(path);
      if (taken.entries.length === 0) return undefined;
      stored.push({ step, files: readTree(path), entries: taken.entries.map((entry) => entry.path) });
      return {
        type: step.type,
        name: step.name ?? 'artifacts',
        path,
        files: taken.entries.length,
        totalBytes: taken.totalBytes,
      };
    },
    workspaceLayers: async () => given.layers ?? [],
    persist: async (_job, fill) => {
      const path = temporary();
      await fill(path);
      persisted.push(readTree(path));
    },
  };
  return { ...port, stored, persisted };
}

export function memoryCaches(saved: Record<string, FileTree> = {}) {
  const asked: string[] = [];
  const written: Record<string, Record<string, string>> = {};
  const port: CachePort = {
    restore: async (key, match) => {
      asked.push(key);
      const found = Object.keys(saved).find((each) => (match === 'exact' ? each === key : each.startsWith(key)));
      return found === undefined ? undefined : { key: found, tree: saved[found]! };
    },
    save: async (key, _options, fill) => {
      const directory = temporary();
      const taken = await fill(directory);
      if (taken.entries.length === 0) return 'empty';
      written[key] = readTree(directory);
      return 'saved';
    },
  };
  return { ...port, asked, written };
}

export interface Lived {
  readonly result: Awaited<ReturnType<typeof runJob>>;
  /** The log without colours. */
  readonly log: string;
  readonly raw: string;
  readonly events: Event[];
  readonly sections: readonly string[];
}

export interface Life {
  readonly cancel: AbortController;
  readonly abort: AbortController;
  readonly clock: FakeClock;
  readonly ended: Promise<Lived>;
  text(): string;
}

/** Begins a job; the test may cancel it or move the clock. */
export function begin(
  spec: JobSpec,
  executor: MemoryExecutor = memoryExecutor(),
  rest: Partial<JobDeps> & { readonly sink?: LogSink } = {},
): Life {
  const chunks: Uint8Array[] = [];
  const events: Event[] = [];
  const clock = fakeClock();
  const cancel = new AbortController();
  const abort = new AbortController();
  const sink: LogSink = rest.sink ?? { write: async (bytes) => void chunks.push(bytes) };
  const raw = (): string => Buffer.concat(chunks).toString();
  const text = (): string => raw().replaceAll(/\x1b\[[0-9;]*[mK]/g, '');
  const deps: JobDeps = {
    executor,
    artifacts: memoryArtifacts(),
    emit: (event) => events.push(event),
    clock,
    runner: { name: 'pipewright', version: '0.1.0', revision: 'abc', platform: 'linux/amd64' },
    ...rest,
  };
  const ended = runJob({ spec, cancel: cancel.signal, abort: abort.signal, log: sink }, deps).then((result) => ({
    result,
    log: text(),
    raw: raw(),
    events,
    sections: events.flatMap((event) => (event.type === 'section-started' ? [event.name] : [])),
  }));
  return { cancel, abort, clock, ended, text };
}

export const live = (...args: Parameters<typeof begin>): Promise<Lived> => begin(...args).ended;
