import type { Engine } from '../../executors/docker/engine.ts';
import type { Plan, Selection } from '../../model/plan.ts';
import type { ReportFile } from '../../reporters/report-files.ts';
import type { PipelineResult } from '../../schedule/pipeline-result.ts';
import type { Run, StoredRun } from '../../stores/run-store.ts';
import type { EarlyLook } from '../../workspaces/last-snapshot.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import type { RunOptions } from '../options.ts';

/** What is to be run. */
export interface PipelineRun {
  readonly loaded: LoadedPipeline;
  readonly plan: Plan;
  /** What was asked for, of the pipeline and of those that its bridges start. */
  readonly selection: Selection;
  readonly options: RunOptions;
  /** A run whose artifacts this one goes on from. */
  readonly earlier: StoredRun | undefined;
  /** What is already known of the tree. */
  readonly look: EarlyLook | undefined;
  /** The container engine, where it was found already. */
  readonly engine?: Engine | undefined;
  readonly reports: readonly ReportFile[];
  /** Aborted to end the run from outside, for `--watch`. */
  readonly stop?: AbortSignal;
}

/** How it ended. */
export interface PipelineEnd {
  readonly result: PipelineResult;
  readonly run: Run;
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | undefined;
}
