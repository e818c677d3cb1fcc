/** Keeps ids unique in a run of several pipelines: those of a pipeline begin with a prefix that no other id begins with. */
export class IdPrefixes {
  /** All beginnings of ids that end with a slash: names of jobs may hold slashes too. */
  readonly #taken = new Set<string>();

  add(ids: Iterable<string>): void {
    for (const id of ids) {
      for (let at = id.indexOf('/'); at >= 0; at = id.indexOf('/', at + 1)) this.#taken.add(id.slice(0, at + 1));
    }
  }

  /** A prefix for what a bridge starts: its id and a slash, or more where that is taken. */
  take(bridge: string): string {
    let prefix = `${bridge}/`;
    while (this.#taken.has(prefix)) prefix += '/';
    this.#taken.add(prefix);
    return prefix;
  }
}
