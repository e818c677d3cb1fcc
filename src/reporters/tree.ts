import { Listr, type ListrTask } from 'listr2';
import type { Event } from '../model/event.ts';
import type { JobResult } from '../model/outcome.ts';
import type { Clock } from '../util/clock.ts';
import { type Deferred, deferred } from '../util/deferred.ts';
import type { Paint } from './color.ts';
import { type LiveArea, liveArea } from './live-area.ts';
import type { Output } from './output.ts';
import type { Reporter, Verbosity } from './reporter.ts';
import { summaryFold } from './summary-fold.ts';
import { summaryLines } from './summary-text.ts';
import { oneLine } from './terminal-text.ts';
import { treeFrame } from './tree-frame.ts';
import { type TreeView, treeView } from './tree-view.ts';

/** What the live tree is drawn on. */
export interface TreeOptions {
  /** A terminal. */
  readonly output: Output;
  readonly paint: Paint;
  readonly color: boolean;
  readonly verbosity: Verbosity;
  readonly clock: Clock;
  /** Between two frames. */
  readonly frameMs?: number;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Draws frames until it is stopped. */
interface FrameLoop {
  start(): void;
  stop(): void;
  /** Draws nothing while there are more calls of this than of what it gives. */
  hold(): () => void;
}

/**
 * Frames are drawn by the clock and not by events, so that a chatty job costs no more than a silent one; while the
 * terminal has not taken the last frame none is drawn.
 */
function frameLoop(view: TreeView, area: LiveArea, options: TreeOptions): FrameLoop {
  const { output, clock, frameMs = 80 } = options;
  const stopping = new AbortController();
  let running = false;
  let held = 0;
  async function loop(): Promise<void> {
    for (let count = 0; !stopping.signal.aborted; count++) {
      const now = clock.now();
      const { columns = 80, rows = 24 } = output;
      if (held === 0) {
        area.draw(treeFrame(view, { ...options, columns, rows, now, spinner: spinner[count % spinner.length]! }));
      }
      await output.ready();
      await clock.sleep(frameMs, stopping.signal);
    }
  }
  return {
    start() {
      if (running || stopping.signal.aborted) return;
      running = true;
      void loop();
    },
    stop: () => stopping.abort(),
    hold: () => {
      held++;
      area.end();
      return () => void held--;
    },
  };
}

/** The renderer that listr2 starts with the first task and ends with the last: it draws our frames. */
class FrameRenderer {
  static nonTTY = true;
  static rendererOptions: { loop?: FrameLoop } = {};
  static rendererTaskOptions: Record<PropertyKey, never> = {};
  readonly #loop: FrameLoop | undefined;

  constructor(_tasks: unknown, options: { loop?: FrameLoop }) {
    this.#loop = options.loop;
  }
  render(): void {
    this.#loop?.start();
  }
  end(): void {
    this.#loop?.stop();
  }
}

/** listr2's side of the tree: a task for each job that waits for the job's end and does nothing else. */
interface TaskList {
  plan(event: Event & { type: 'pipeline-planned' }): void;
  finish(job: string, result: JobResult): void;
  /** Lets all tasks that still wait go; resolves when listr2 is done. */
  end(): Promise<void>;
}

function taskList(loop: FrameLoop): TaskList {
  const ends = new Map<string, Deferred<JobResult | undefined>>();
  const runs: Promise<unknown>[] = [];
  function jobTask(id: string, end: Deferred<JobResult | undefined>): ListrTask {
    return {
      title: id,
      task: async (_context, task) => {
        const result = await end.promise;
        if (result?.status === 'failed') throw new Error(id);
        if (result?.status === 'skipped' || result?.status === 'manual') task.skip();
      },
    };
  }
  return {
    plan({ stages, jobs }) {
      const settings = { concurrent: true, exitOnError: false, registerSignalListeners: false } as const;
      const byStage = new Map<string, ListrTask[]>(stages.map((stage) => [stage, []]));
      for (const { id, stage } of jobs) {
        if (ends.has(id)) continue;
        const end = deferred<JobResult | undefined>();
        ends.set(id, end);
        byStage.set(stage, [...(byStage.get(stage) ?? []), jobTask(id, end)]);
      }
      const tasks: ListrTask[] = [...byStage].map(([title, children]) => ({
        title,
        task: (_context, task) => task.newListr(children, settings),
      }));
      // Only the first plan's list draws: one more plan (a child pipeline) is one more list, in the same frame.
      const rendererOptions = runs.length === 0 ? { loop } : {};
      const listr = new Listr(tasks, { ...settings, renderer: FrameRenderer, rendererOptions });
      runs.push(listr.run());
    },
    finish(job, result) {
      ends.get(job)?.resolve(result);
    },
    async end() {
      for (const end of ends.values()) end.resolve(undefined);
      await Promise.allSettled(runs);
    },
  };
}

/**
 * The reporter for terminals: one line for each job by stage, with the last lines of those that run; the summary at
 * the end. `abort` gives the terminal back at once.
 */
export function treeReporter(options: TreeOptions): Required<Reporter> {
  const { output, verbosity, paint, color } = options;
  const fold = summaryFold();
  const view = treeView();
  const area = liveArea(output);
  const loop = frameLoop(view, area, options);
  const tasks = taskList(loop);
  let over = false;

  function message(event: Event & { type: 'notice' | 'warning' }): void {
    if (over || (event.type === 'notice' && verbosity === 'quiet')) return;
    const kind = event.type === 'warning' ? 'warning' : 'hint';
    const about = event.job === undefined ? '' : `${oneLine(event.job, { color })}: `;
    area.print([`${paint(kind, `${event.type}:`)} ${about}${oneLine(event.message, { color: false })}`]);
  }
  function abort(): void {
    if (over) return;
    over = true;
    loop.stop();
    area.end();
  }

  return {
    on(event) {
      fold.on(event);
      view.on(event);
      if (event.type === 'pipeline-planned' && !over) tasks.plan(event);
      else if (event.type === 'job-finished') tasks.finish(event.job, event.result);
      else if (event.type === 'notice' || event.type === 'warning') message(event);
    },
    async close() {
      abort();
      await tasks.end();
      const columns = output.columns === undefined ? {} : { columns: output.columns };
      output.write(`${summaryLines(fold.summary(), { ...options, ...columns }).join('\n')}\n`);
      await output.ready();
    },
    abort,
    hold: () => loop.hold(),
  };
}
