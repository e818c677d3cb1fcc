import { randomBytes } from 'node:crypto';
import type { ResourceUse } from '../../model/outcome.ts';
import type { LogSink } from '../../model/ports.ts';
import type { Engine } from './engine.ts';
import { watchStats } from './engine-stats.ts';
import { type ContainerReading, compact, listenForUsage } from './usage-record.ts';

/** A container that has run for so long is worth a stream of the engine's figures, milliseconds. */
const worthWatchingMs = 1000;

const counters = ['cpuMs', 'networkReceivedBytes', 'networkSentBytes', 'diskReadBytes', 'diskWrittenBytes'] as const;
type Counters = Pick<ContainerReading, (typeof counters)[number]>;

/** What is known of a container from one start to its end: the kernel counts anew with each. */
interface Life {
  counters: Counters;
  /** The most that was seen in use without the cache of files. */
  seenBytes: number | undefined;
  /** The kernel's own peak, with that cache. */
  peakBytes: number | undefined;
  /** The most that was seen of that cache. */
  cacheBytes: number | undefined;
  oomKills: number | undefined;
}

/** What the kernel has ended for lack of memory while a command ran. */
export interface MemoryKills {
  readonly count: number;
  /** See ContainerReading. */
  readonly limitHits: number | undefined;
  /** See ContainerReading. */
  readonly memoryPeakBytes: number | undefined;
}

/** One command, while its output is taken. */
export interface CommandUsage {
  /** For the bootstrap: by it the reading is known. */
  readonly mark: string;
  /** Takes the command's error output in place of its own sink. */
  readonly stderr: LogSink;
  /**
   * Call it when the output is at its end.
   * @returns undefined: not known.
   */
  end(): Promise<MemoryKills | undefined>;
}

/**
 * Adds up what a job's container uses over all its starts. Two sources, neither of which keeps a short job waiting: the
 * container itself tells at the end of each command, and from a second on the engine tells some once a second, for commands that
 * are killed and for the memory in use.
 */
export class ContainerUsage {
  readonly #engine: Engine;
  readonly #network: 'own' | 'shared';
  #past: Counters = {};
  #pastPeak: number | undefined;
  #life: Life = newLife();
  #stopWatching: (() => void) | undefined;

  /** @param given.network `shared`: what goes over it is not the job's alone, so nothing is said about it. */
  constructor(given: { readonly engine: Engine; readonly network: 'own' | 'shared' }) {
    this.#engine = given.engine;
    this.#network = given.network;
  }

  /** The container is about to be started: what its kernel has counted so far is over. */
  starting(container: string): void {
    this.#endLife();
    let stop: (() => void) | undefined;
    const timer = setTimeout(() => {
      stop = watchStats(this.#engine, container, (reading) => this.#take(reading));
    }, worthWatchingMs);
    timer.unref();
    this.#stopWatching = () => {
      clearTimeout(timer);
      stop?.();
    };
  }

  /** The container has ended, or nothing more is to be known of it. */
  ended(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  command(stderr: LogSink): CommandUsage {
    const mark = randomBytes(12).toString('hex');
    const listener = listenForUsage(mark, stderr);
    const killsBefore = this.#life.oomKills ?? 0;
    return {
      mark,
      stderr: listener.sink,
      end: async () => {
        const reading = await listener.end();
        if (reading === undefined) return undefined;
        this.#take(reading);
        if (reading.oomKills === undefined) return undefined;
        const { oomKills, limitHits, memoryPeakBytes } = reading;
        return { count: oomKills - killsBefore, limitHits, memoryPeakBytes };
      },
    };
  }

  /** Of all starts so far; undefined: nothing could be found out. */
  total(): ResourceUse | undefined {
    const used: ResourceUse = compact({
      ...added(this.#past, this.#life.counters),
      memoryPeakBytes: most(this.#pastPeak, memoryPeak(this.#life)),
    });
    return Object.keys(used).length === 0 ? undefined : used;
  }

  #take(reading: ContainerReading): void {
    const life = this.#life;
    const { networkReceivedBytes, networkSentBytes, ...rest } = reading;
    const counted = this.#network === 'own' ? reading : rest;
    // Both sources count the same; whichever looked last has seen more.
    life.counters = compact(
      Object.fromEntries(counters.map((name) => [name, most(life.counters[name], (counted as Counters)[name])])),
    );
    const { memoryBytes, fileCacheBytes } = reading;
    if (memoryBytes !== undefined && fileCacheBytes !== undefined)
      life.seenBytes = most(life.seenBytes, memoryBytes - fileCacheBytes);
    life.cacheBytes = most(life.cacheBytes, fileCacheBytes);
    life.peakBytes = most(life.peakBytes, reading.memoryPeakBytes);
    life.oomKills = most(life.oomKills, reading.oomKills);
  }

  #endLife(): void {
    this.#past = added(this.#past, this.#life.counters);
    this.#pastPeak = most(this.#pastPeak, memoryPeak(this.#life));
    this.#life = newLife();
  }
}

function newLife(): Life {
  return { counters: {}, seenBytes: undefined, peakBytes: undefined, cacheBytes: undefined, oomKills: undefined };
}

/**
 * What the processes themselves needed at most. The kernel's peak counts the content of files that were read or written
 * too, which may be many times as much. So: what was seen, or the peak without the most of such content that was
 * seen, which the processes have had at least. Where nothing was seen and most of the peak may have been files: unknown.
 */
function memoryPeak({ seenBytes, peakBytes, cacheBytes }: Life): number | undefined {
  if (peakBytes === undefined || cacheBytes === undefined) return seenBytes;
  const own = Math.max(0, peakBytes - cacheBytes);
  return seenBytes === undefined && own < peakBytes / 2 ? undefined : most(seenBytes, own);
}

function added(a: Counters, b: Counters): Counters {
  const sums = counters.map((name) => [
    name,
    a[name] === undefined && b[name] === undefined ? undefined : (a[name] ?? 0) + (b[name] ?? 0),
  ]);
  return compact(Object.fromEntries(sums) as Counters);
}

function most(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
