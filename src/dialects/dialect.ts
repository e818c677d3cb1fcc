import type { Checked, Span } from '../diagnostics/diagnostic.ts';
import type { Context } from '../model/context.ts';
import type { Pipeline } from '../model/pipeline.ts';
import type { FileLoader } from '../model/ports.ts';
import type { MapNode, Node } from '../syntax/node.ts';
import type { ScalarRules } from '../syntax/parse.ts';

/** A language of pipeline files. */
export interface Dialect {
  readonly name: 'ci' | 'gitlab' | 'circle';
  /** How plain YAML scalars are read. */
  readonly scalars: ScalarRules;
  /** Compiles the entry file. `config` is the merged file, for `ci config`. */
  compile(entry: ParsedFile, given: CompileInput): Promise<Checked<Compiled>>;
}

/** A file with all its documents: a `spec:` header may stand before the pipeline. */
export interface ParsedFile {
  readonly text: string;
  readonly documents: readonly Node[];
}

/** What a dialect may look at to make a pipeline of a file; everything else about this machine is hidden from it. */
export interface CompileInput {
  /** Path of the entry file relative to the project root. */
  readonly file: string;
  /** `bridge`: the entry is no file, but what a bridge says about the files of a child pipeline. Absent: `file`. */
  readonly entryIs?: 'file' | 'bridge';
  readonly files: FileLoader;
  readonly context: Context;
  /** `all`: also what does no harm but is of no use, for `ci lint`. Absent: what matters to who runs the pipeline. */
  readonly remarks?: 'all';
  /** For the inputs of the entry file. */
  readonly inputs?: GivenInputs;
  /** Where the values of a pipeline that another one starts are given. */
  readonly includedAt?: Span;
  /** Values that are given from outside: CircleCI's pipeline parameters (`--param`), by name. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** The kind of this machine (`process.platform`), for jobs that only one kind can run. */
  readonly platform?: string;
  /** Its processor (`process.arch`). */
  readonly arch?: string;
  /** CircleCI: only these workflows. Absent or empty: those that the event starts. */
  readonly workflows?: readonly string[];
  /** What the user allows beyond the usual. */
  readonly limits?: {
    /** Files that may be included, directly or not; default: GitLab's 150. */
    readonly maxIncludes?: number;
  };
}

/** Values for the inputs that the header of a file declares. */
export type GivenInputs =
  /** A map as it stands below `inputs` of an include or trigger. */
  | { readonly kind: 'node'; readonly node: Node }
  /** Plain data (as JSON has it) that was worked out, and the place that messages point at. */
  | { readonly kind: 'plain'; readonly values: Readonly<Record<string, unknown>>; readonly span: Span }
  /** Texts of the command line, each read by the type of its input. */
  | { readonly kind: 'texts'; readonly texts: ReadonlyMap<string, string> };

/** A file that was understood: the pipeline, and what shows people how it came about. */
export interface Compiled {
  readonly pipeline: Pipeline;
  /** The configuration after includes, extends, references and anchors. */
  readonly config: Node;
  /** What the bridges start, by their definition's name. */
  readonly downstream: ReadonlyMap<string, Downstream>;
  /**
   * Where a value of `config` comes from.
   * @param top the top-level key that it stands below, @param place its own place.
   */
  readonly originOf: (top: string, place: Span) => Origin;
}

/** Where a value of the merged file comes from. */
export interface Origin {
  readonly span: Span;
  /** The files from the entry file to the one that includes it. Absent: it stands in the entry file. */
  readonly includedBy?: readonly string[];
  /**
   * Absent: from the entry itself. `extends`: by the names up to the one that has it. `default`: of all jobs. `shared`: by a
   * reference or an alias into another entry.
   */
  readonly from?:
    | { readonly kind: 'extends'; readonly parents: readonly string[] }
    | { readonly kind: 'default' }
    | { readonly kind: 'shared'; readonly entry: string };
}

/** What a bridge says about the pipeline that it starts, as it stands in its file. */
export interface Downstream {
  /** The whole content of a child pipeline. To be compiled with `entryIs: 'bridge'`. */
  readonly content?: MapNode;
  /** Inputs for the file of another project. */
  readonly inputs?: Node;
}
