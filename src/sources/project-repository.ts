import type { FileOrigin } from '../model/included-file.ts';
import type { FoundFiles } from './include-path.ts';
import type { Had } from './include-trouble.ts';

/** One state of a project's files. */
export interface ProjectTree {
  /** Commit; absent: a working tree, of a folder without a commit. */
  readonly sha?: string;
  /** What further includes in its files are relative to. */
  readonly origin: Extract<FileOrigin, { readonly kind: 'project' }>;
  /** As `FileLoader.local`. */
  files(pattern: string): Promise<FoundFiles>;
}

/** Tags and branches by name, and the commits they stand for. */
export interface ProjectRefs {
  readonly tags: ReadonlyMap<string, string>;
  readonly branches: ReadonlyMap<string, string>;
}

/** Where the files of another project come from: a folder of this machine, or a server. */
export interface ProjectRepository {
  /** @param wanted what is asked for: others than it may stand for may be missing. */
  refs(wanted: string): Promise<Had<ProjectRefs>>;
  /**
   * The files at a tag, branch or commit; absent: those that the project stands for by itself.
   * @param sha the commit that `ref` stands for, where `refs` has told it.
   */
  tree(ref: string | undefined, sha?: string): Promise<Had<ProjectTree>>;
  /** Told which commit (of which release) was used for what was wanted; for a lock file. */
  readonly onUsed?: (wanted: string, used: { readonly sha: string; readonly version?: string }) => void;
}
