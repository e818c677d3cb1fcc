import type { Checked } from '../diagnostics/diagnostic.ts';
import type { FileOrigin } from '../model/included-file.ts';
import type { FoundFiles } from './include-path.ts';

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
  refs(): Promise<Checked<ProjectRefs>>;
  /**
   * The files at a tag, branch or commit; absent: those that the project stands for by itself.
   * No value: there is no such ref, or the project can't be had, and a diagnostic says so.
   */
  tree(ref: string | undefined): Promise<Checked<ProjectTree>>;
}
