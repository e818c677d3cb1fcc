/** Why an archive is refused. */
export type ArchiveErrorKind =
  | 'corrupt'
  | 'truncated'
  /** Empty, NUL or a name the system can't have. */
  | 'bad-name'
  | 'absolute-path'
  /** `..` in an entry's name. */
  | 'outside'
  /** `C:…` or `..\\…`, which leads outside on Windows. */
  | 'windows-path'
  /** The entry's path goes through a symbolic link or a file. */
  | 'through-link'
  | 'symlink-outside'
  /** A hard link to something that the archive did not bring as a regular file before. */
  | 'hardlink-target'
  /** Two entries that can't be both there: a link over a directory, or names that differ in case alone with a link. */
  | 'collision'
  /** Device, named pipe, sparse file or something unknown. */
  | 'type'
  | 'too-deep'
  | 'too-many-entries'
  | 'too-large'
  /** It unpacks to far more than was received. */
  | 'ratio';

/** A refused archive; what was unpacked so far lies in the directory and is to be thrown away. */
export class ArchiveError extends Error {
  readonly kind: ArchiveErrorKind;
  /** Name of the entry as the archive has it. */
  readonly entry: string | undefined;

  constructor(kind: ArchiveErrorKind, message: string, entry?: string, options?: { readonly cause: unknown }) {
    super(entry === undefined ? message : `${message}: ${JSON.stringify(entry.slice(0, 200))}`, options);
    this.name = 'ArchiveError';
    this.kind = kind;
    this.entry = entry;
  }
}
