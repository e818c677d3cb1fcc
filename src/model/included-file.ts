/** What the file of a component may ask for as `$[[ component.NAME ]]`, for all files that it includes by `local` too. */
export interface ComponentContext {
  readonly name: string;
  /** Commit of the component's project; absent: its working tree is read. */
  readonly sha?: string;
  /** The release that was chosen, such as `1.2.3`; absent where the address names a branch or a commit. */
  readonly version?: string;
  /** What stands behind the `@` of the address. */
  readonly reference: string;
}

/** Whose file it is: decides what a `local` include in it means, and which variables it sees. */
export type FileOrigin =
  /** The project of the pipeline itself. */
  | { readonly kind: 'own' }
  /** Another project. */
  | {
      readonly kind: 'project';
      readonly project: string;
      /** Absent: the server that the pipeline's project lies on. */
      readonly host?: string;
      /** Commit or name of one; absent: the working tree of a mapped checkout, elsewhere the default branch. */
      readonly ref?: string;
      readonly component?: ComponentContext;
    }
  /** A file with no project around it (remote, template): it can't include by `local` and sees no variables. */
  | { readonly kind: 'nowhere' };

/** A file that an `include` names by more than a path. Variables are expanded. */
export type ForeignFile =
  | { readonly kind: 'project'; readonly project: string; readonly file: string; readonly ref?: string }
  | {
      readonly kind: 'remote';
      readonly url: string;
      /** `sha256-` and the hash in base64. */
      readonly integrity?: string;
      /** How long a copy may be used without asking the server; absent: GitLab would ask each time. */
      readonly cacheMs?: number;
    }
  | { readonly kind: 'template'; readonly name: string }
  /** `host/group/project/name@version` */
  | { readonly kind: 'component'; readonly address: string }
  /** `namespace/orb@version` of CircleCI's registry. */
  | { readonly kind: 'orb'; readonly reference: string }
  /** Among the artifacts of a job of the pipeline that starts this one. */
  | { readonly kind: 'artifact'; readonly path: string; readonly job: string };

/** An included file as it was read. */
export interface LoadedFile {
  /**
   * As messages name it: relative to the project root with forward slashes for what lies on this machine, an address or
   * `group/project@ref:path` for what does not. No two files have one name.
   */
  readonly path: string;
  readonly text: string;
  /** Absent: the project of the pipeline itself. */
  readonly origin?: FileOrigin;
}

/** Other projects of the server, of which the user has said where they lie on this machine. */
export interface ProjectCheckouts {
  /**
   * Absolute path of the folder that holds a project (`group/name`; upper and lower case count as the same, as on
   * GitLab); undefined: nobody has said where. The pipeline's own project is known by its own path.
   */
  directory(project: string): string | undefined;
  /**
   * All files of a mapped project, sorted, relative to its root: of a branch, tag or commit, else of the working tree
   * (tracked files, and untracked ones that are not ignored). Of one that is not mapped: those of a ref that was fetched.
   * Undefined: the project is neither mapped nor fetched, or has no such ref.
   */
  paths(project: string, ref?: string): readonly string[] | undefined;
}
