import { parseGoDuration } from '../../util/go-duration.ts';

/** Where a value stands: names of tables and keys, numbers for items of lists. */
export type KeyPath = readonly (string | number)[];

/** What is wrong with a value of the file, or not known. */
export interface ConfigProblem {
  /** The tables around it and its name; a number: which one of a list. */
  readonly path: KeyPath;
  readonly severity: 'error' | 'warning';
  /** A clause about the key: `must be a text`. */
  readonly text: string;
}

type Table = Readonly<Record<string, unknown>>;

/**
 * Takes values out of a table of TOML, each with its check. A wrong one is told and counts as absent; what nobody asked
 * for is told by `rest`.
 */
export class TomlFields {
  readonly #table: Table;
  readonly #path: KeyPath;
  readonly #problems: ConfigProblem[];
  readonly #asked = new Set<string>();

  /** @param path where the table is, for messages; empty: the file itself. */
  constructor(table: Table, path: KeyPath, problems: ConfigProblem[]) {
    this.#table = table;
    this.#path = path;
    this.#problems = problems;
  }

  text(key: string): string | undefined {
    return this.#take(key, 'a text', (value) => (typeof value === 'string' ? value : undefined));
  }

  /** A text that says something: an empty one counts as absent, as with GitLab Runner. */
  filled(key: string): string | undefined {
    return this.text(key) || undefined;
  }

  boolean(key: string): boolean | undefined {
    return this.#take(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  integer(key: string): number | undefined {
    return this.#take(key, 'a whole number', (value) => (Number.isSafeInteger(value) ? (value as number) : undefined));
  }

  /** `15m0s`, or a number of nanoseconds, as Go reads it; in milliseconds. */
  durationMs(key: string): number | undefined {
    return this.#take(key, 'a time like "1h30m"', (value) => {
      if (typeof value === 'number') return value / 1e6;
      return typeof value === 'string' ? parseGoDuration(value) : undefined;
    });
  }

  /** A moment; the year 1 is Go's way to say none. */
  date(key: string): Date | undefined {
    const date = this.#take(key, 'a date', (value) => (value instanceof Date ? value : undefined));
    return date === undefined || date.getUTCFullYear() <= 1 ? undefined : date;
  }

  texts(key: string): readonly string[] {
    return this.#take(key, 'a list of texts', (value) => (isTexts(value) ? value : undefined)) ?? [];
  }

  /** One text or a list of them. */
  textOrTexts(key: string): readonly string[] {
    const read = (value: unknown): readonly string[] | undefined =>
      typeof value === 'string' ? [value] : isTexts(value) ? value : undefined;
    return this.#take(key, 'a text or a list of texts', read) ?? [];
  }

  textMap(key: string): Readonly<Record<string, string>> {
    const read = (value: unknown): Record<string, string> | undefined =>
      isTable(value) && isTexts(Object.values(value)) ? (value as Record<string, string>) : undefined;
    return this.#take(key, 'a table of texts', read) ?? {};
  }

  flagMap(key: string): Readonly<Record<string, boolean>> {
    const read = (value: unknown): Record<string, boolean> | undefined =>
      isTable(value) && Object.values(value).every((flag) => typeof flag === 'boolean')
        ? (value as Record<string, boolean>)
        : undefined;
    return this.#take(key, 'a table of true and false', read) ?? {};
  }

  table(key: string): TomlFields | undefined {
    const found = this.#take(key, 'a table', (value) => (isTable(value) ? value : undefined));
    return found === undefined ? undefined : new TomlFields(found, [...this.#path, key], this.#problems);
  }

  tables(key: string): readonly TomlFields[] {
    const read = (value: unknown): readonly Table[] | undefined =>
      Array.isArray(value) && value.every(isTable) ? (value as readonly Table[]) : undefined;
    const found = this.#take(key, 'a list of tables', read) ?? [];
    return found.map((table, index) => new TomlFields(table, [...this.#path, key, index], this.#problems));
  }

  /** Tells of keys that mean something to GitLab Runner and nothing here; those with no value of weight are passed over. */
  unused(keys: readonly string[], why: string): void {
    for (const key of keys) {
      this.#asked.add(key.toLowerCase());
      if (saysSomething(this.#value(key))) this.problem(key, 'warning', why);
    }
  }

  /** Keys that nobody is to be told of. */
  passOver(keys: readonly string[]): void {
    for (const key of keys) this.#asked.add(key.toLowerCase());
  }

  /** What nobody has asked for and says something, by its key in small letters: for somebody else to read. */
  others(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(this.#table)
        .map(([key, value]) => [key.toLowerCase(), value] as const)
        .filter(([key, value]) => !this.#asked.has(key) && saysSomething(value)),
    );
  }

  /** Tells of the keys that nobody has asked for. */
  rest(): void {
    for (const key of Object.keys(this.#table)) {
      if (!this.#asked.has(key.toLowerCase())) this.problem(key, 'warning', 'is not known and does nothing');
    }
  }

  /** @param key of this table, or a path below it. */
  problem(key: string | KeyPath, severity: ConfigProblem['severity'], text: string): void {
    this.#problems.push({ path: [...this.#path, ...(typeof key === 'string' ? [key] : key)], severity, text });
  }

  /** Go's programs take a key in other letters, too, where it is not there as it should be. */
  #value(key: string): unknown {
    const written = Object.hasOwn(this.#table, key) ? key : sameKey(this.#table, key);
    return written === undefined ? undefined : this.#table[written];
  }

  #take<T>(key: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
    this.#asked.add(key.toLowerCase());
    const value = this.#value(key);
    if (value === undefined) return undefined;
    const taken = read(value);
    if (taken === undefined) this.problem(key, 'error', `must be ${what}`);
    return taken;
  }
}

/** The key of a table that means the same to Go's programs: small and capital letters don't matter. */
export function sameKey(table: Table, key: string): string | undefined {
  return Object.keys(table).find((one) => one.toLowerCase() === key.toLowerCase());
}

/** A number as GitLab Runner takes it where 0 stands for its own: less than that does so, too. */
export function above0(value: number | undefined, own: number): number {
  return value !== undefined && value > 0 ? value : own;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** GitLab Runner writes many empty tables and zeros into its file. */
function saysSomething(value: unknown): boolean {
  if (isTable(value)) return Object.values(value).some(saysSomething);
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== false && value !== 0 && value !== '' && value !== null;
}
