import type { Owner } from './container-owner.ts';
import type { Engine } from './engine.ts';

/** A container whose files are moved over the engine's archive calls; it need not run. */
export interface FilesPlace {
  readonly engine: Engine;
  readonly container: string;
  /** The session's directory. */
  readonly directory: string;
  /** Where file variables are. */
  readonly temporaryDirectory: string;
  /** May the engine be given paths of this machine? */
  readonly seesOurFiles: boolean;
  /** Absolute path of the directory that files are put below; not `/` where only that can be written to. */
  readonly base: string;
  /** Whom files that are put there belong to. */
  readonly owner: Owner;
}
