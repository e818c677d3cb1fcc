import type { Checked } from '../diagnostics/diagnostic.ts';
import type { Context } from '../model/context.ts';
import type { Pipeline } from '../model/pipeline.ts';
import type { FileLoader } from '../model/ports.ts';
import type { Node } from '../syntax/node.ts';
import type { ScalarRules } from '../syntax/parse.ts';

/** A language of pipeline files. */
export interface Dialect {
  readonly name: 'ci' | 'gitlab' | 'circle';
  /** How plain YAML scalars are read. */
  readonly scalars: ScalarRules;
  /** Does a file of this path (relative, forward slashes) look like one of this language? */
  recognises(path: string): boolean;
  /** The document of a file that holds the pipeline; a `spec:` header may stand before it. */
  selectDocument(documents: readonly Node[]): Checked<Node>;
  /** Compiles the entry document. `config` is the merged file, for `ci config`. */
  compile(entry: Node, given: CompileInput): Promise<Checked<Compiled>>;
}

export interface CompileInput {
  /** Path of the entry file relative to the project root. */
  readonly file: string;
  readonly files: FileLoader;
  readonly context: Context;
  /** `all`: also what does no harm but is of no use, for `ci lint`. Absent: what matters to who runs the pipeline. */
  readonly remarks?: 'all';
  /** What the user allows beyond the usual. */
  readonly limits?: {
    /** Files that may be included, directly or not; default: GitLab's 150. */
    readonly maxIncludes?: number;
  };
}

export interface Compiled {
  readonly pipeline: Pipeline;
  /** The configuration after includes, extends, references and anchors. */
  readonly config: Node;
}
