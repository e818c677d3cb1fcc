/** What one run of a program took. */
export interface Sample {
  /** From start to end, seconds. */
  readonly wall: number;
  /** User and system time of the program and all it waited for, seconds. */
  readonly cpu: number;
  /** Largest resident set of one of its processes, megabytes (10⁶ bytes). */
  readonly rss: number;
}

/** Median, least and most of several runs. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The runs of one side. */
export interface Summary {
  readonly runs: number;
  readonly wall: Spread;
  readonly cpu: Spread;
  readonly rss: Spread;
  /** It was stopped at its time limit: it takes longer than `wall`, and the rest is not known. */
  readonly stopped?: true;
}

/** A program to run. */
export interface Command {
  /** The program, absolute or from PATH, and its arguments. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `pipe`: stdout goes through a pipe that somebody drains; default: into a file. */
  readonly stdout?: 'file' | 'pipe';
  /** What it should end with; default 0. */
  readonly exitCode?: number;
}

/** Programs that the bench may run. */
export interface Programs {
  /** The Node that runs the bench, absolute. */
  readonly node: string;
  /** A copy of the built `ci` that no other build changes meanwhile: absolute path of its `bin/ci.js`. */
  readonly ci: string;
  /** Repository of this bench, absolute. */
  readonly root: string;
  /** Folder of the limit programs, absolute. */
  readonly limits: string;
  /** Why jobs get no overlays here; absent: they do. */
  readonly noOverlays?: string;
  /** Where peers are installed; absent: none are to run. */
  readonly peers?: string;
  /** Unix socket of a container engine with the image of the container workloads. */
  readonly engineSocket?: string;
}

/** Where one run of a side takes place. All absolute. */
export interface Place {
  readonly programs: Programs;
  /** What `prepare` filled: `project/` and what else it wants. Peers have one of their own each. */
  readonly directory: string;
  readonly project: string;
  /** For CI_CLI_HOME. Empty, or with `state: 'kept'` as the run before left it. */
  readonly home: string;
  /** Empty. */
  readonly scratch: string;
}

/** One of the programs that are compared. */
export interface Side {
  readonly role: 'ours' | 'limit' | 'peer';
  /** `kept`: the home stays from run to run, and one run is done before those that count. */
  readonly state?: 'fresh' | 'kept';
  /** No more runs than this, for a peer that takes minutes. */
  readonly mostRuns?: number;
  /** A run is stopped after this time, and is the last; default: a minute for a peer, else twenty. */
  readonly limitSeconds?: number;
  /** Only with `--full`. */
  readonly full?: true;
  /** It changes the tree, so it gets one of its own, as peers do. */
  readonly ownTree?: true;
  /** Why this side can't run here; undefined: it can. */
  readonly skip?: (programs: Programs) => string | undefined;
  /** Done before each run, not timed. */
  readonly before?: (place: Place) => void;
  readonly command: (place: Place) => Command;
}

/** Summaries by the name of the side; those that were skipped are missing. */
export type Measured = Readonly<Record<string, Summary>>;

/** What a workload aims at: one row of the table. */
export interface Target {
  /** Short, and the only one of its name in the workload: the first row has the workload's title as well. */
  readonly name: string;
  /** The side that the row is about. */
  readonly side: string;
  /** The side that it is held against. */
  readonly against?: string;
  /** Peers that are compared with the row's side; default: for the first row all that no other row has, else none. */
  readonly peers?: readonly string[];
  /**
   * `s`: value and bound are seconds of a machine on which `node -e 0` takes `nodeStartSeconds`; the workload needs the
   * side `start`, which scales the bound.
   */
  readonly unit: '×' | 's' | 'MB';
  /** `value` is to be at most this, or with `atLeast` at least. */
  readonly bound: number;
  readonly sense: 'at most' | 'at least';
  /** The row is about memory, not about time; a unit of MB says so by itself. */
  readonly about?: 'memory';
  /** What to know about the bound. */
  readonly remark?: string;
  /** Sides that the formula reads: without one of them there is no value. */
  readonly sides: readonly string[];
  readonly value: (measured: Measured) => number;
}

/** One thing to measure: a generated project, the programs to run on it, and what we aim at. */
export interface Workload {
  /** Kebab-case. */
  readonly name: string;
  readonly title: string;
  /** Only with `--full`, or when named. */
  readonly full?: true;
  /** Takes a fraction of a second: three times the runs, since one start of a program differs from the next. */
  readonly quick?: true;
  /** No more runs of a side than this. */
  readonly mostRuns?: number;
  /** What project, homes and copies take at most, 10⁹ bytes; default 2. */
  readonly gigabytes?: number;
  /** Makes `project/` and other things in an empty directory. */
  readonly prepare: (directory: string) => void;
  readonly sides: Readonly<Record<string, Side>>;
  readonly targets: readonly Target[];
}
