import type { DiagnosticCode } from '../../../src/diagnostics/codes.ts';
import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import type { JobDefinition, Pipeline } from '../../../src/model/pipeline.ts';
import type { Decision, Plan, PlanNode, Selection } from '../../../src/model/plan.ts';
import type { Surroundings } from '../../support/compile-text.ts';
import type { RowId } from './catalogue.ts';

/** What a case is tried on: the text of the pipeline file, and what surrounds it (other files, variables, …). */
export interface Given extends Surroundings {
  readonly text: string;
  /** Default: the whole pipeline. */
  readonly selection?: Partial<Selection>;
}

/** What came out of the file: everything that a case may look at. */
export interface Seen {
  readonly pipeline: Pipeline;
  readonly plan: Plan;
  readonly diagnostics: readonly Diagnostic[];
  /** The merged file as plain data. */
  readonly config: unknown;
  /** The definition of a job; fails if there is none. */
  readonly job: (name: string) => JobDefinition;
  /** The node of an id; fails if there is none. */
  readonly node: (id: string) => PlanNode;
  /** Why a job is in or out; fails if there is none. */
  readonly decision: (name: string) => Decision;
}

/**
 * A file that is taken, and what it means. Objects are compared as `toMatchObject` does. Codes of warnings have to be
 * told in `warns`, all of them.
 */
export interface Passing extends Given {
  /** Definitions of jobs by name. */
  readonly jobs?: Readonly<Record<string, object>>;
  /** Nodes of the plan by id. */
  readonly nodes?: Readonly<Record<string, object>>;
  /** All ids of the plan, in its order. */
  readonly ids?: readonly string[];
  readonly pipeline?: object;
  readonly plan?: object;
  readonly config?: object;
  readonly warns?: readonly DiagnosticCode[];
  /** What can't be said as data: calls `expect`. */
  readonly check?: (seen: Seen) => void;
}

/** A file that is refused: the code of an error, and the line of the file in which it points. */
export interface Refused extends Given {
  readonly code: DiagnosticCode;
  readonly line: number;
  /** The file in which it points; default: the pipeline file. */
  readonly in?: string;
  /** Part of the message. */
  readonly says?: string;
}

/** Why there is no case of a kind. */
export interface NoCase {
  readonly none: string;
}

/** The cases of one row of the catalogue. A row may have cases in several files. */
export interface Row {
  readonly row: RowId;
  readonly passes: readonly Passing[] | NoCase;
  readonly refuses: readonly Refused[] | NoCase;
}
