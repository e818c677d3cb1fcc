import type { Span } from '../diagnostics/diagnostic.ts';

/** A variable as a job receives it; the shape of GitLab's job payload. In a list, a later one of the same name wins. */
export interface Variable {
  readonly name: string;
  /** May hold `$OTHER`, expanded once by whoever uses it, unless `raw`. */
  readonly value: string;
  /** `expand: false`: the value is taken literally. */
  readonly raw?: boolean;
  /** The job sees the path of a file that holds the value. */
  readonly file?: boolean;
  /** The value never appears in a log or event. */
  readonly masked?: boolean;
}

/** Something that a job is told about itself. */
export interface FactVariable {
  readonly name: string;
  /**
   * `number`: unique in the run, another one for each try. `directory`: where it works, as its file writes it if that is true here. `temporary`: a
   * directory of its own for what is no business of its scripts'.
   * `halt-file`: a path; a script that makes a file there ends the job, as success if nothing has failed.
   * `test-timings-file`: a path, where what is known of the time that tests take is found, in the form of `TestTimingsPort`.
   */
  readonly fact: 'number' | 'directory' | 'temporary' | 'halt-file' | 'test-timings-file';
}

/** A variable as a pipeline file defines it. */
export interface VariableDefinition extends Variable {
  readonly span: Span;
  readonly description?: string;
  readonly options?: readonly string[];
}

/**
 * The variables of one job in GitLab's order of precedence. A later list wins over an earlier one; `dotenv` (outputs
 * of earlier jobs) stands between and is known only when the job is handed out.
 * Source: https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
 */
export interface VariableLayers {
  /** predefined, then global YAML, then job YAML, matrix, `rules:variables`. */
  readonly belowDotenv: readonly Variable[];
  /** project-like (from the user's configuration and secrets), then pipeline-like (`--var`, `--var-file`). */
  readonly aboveDotenv: readonly Variable[];
}
