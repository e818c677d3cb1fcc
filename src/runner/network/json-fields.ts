/** A value of another type than the protocol says: `image.name is a number, not a string`. */
export class WrongType extends Error {}

type Values = Readonly<Record<string, unknown>>;

/**
 * The fields of a JSON object, read by the protocol's rule: what is absent or null is the zero value, keys that nobody
 * asks for don't matter, a wrong type throws `WrongType` with the path.
 */
export class Fields {
  readonly #values: Values;
  readonly #path: string;

  private constructor(values: Values, path: string) {
    this.#values = values;
    this.#path = path;
  }

  /** @param path of the value in the document; '' for the document itself. */
  static of(value: unknown, path = ''): Fields {
    if (value === undefined || value === null) return new Fields({}, path);
    if (typeof value !== 'object' || Array.isArray(value)) throw wrong(path || 'the document', value, 'an object');
    return new Fields(value as Values, path);
  }

  /** The names that are there. */
  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** Whatever stands there; null counts as absent. */
  any(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined;
  }

  text(key: string): string {
    const value = this.any(key) ?? '';
    if (typeof value !== 'string') throw wrong(this.#at(key), value, 'a string');
    return value;
  }

  /** A string, or a whole number taken as one. */
  textOrInteger(key: string): string {
    return typeof this.any(key) === 'number' ? String(this.integer(key)) : this.text(key);
  }

  number(key: string): number {
    const value = this.any(key) ?? 0;
    if (typeof value !== 'number') throw wrong(this.#at(key), value, 'a number');
    return value;
  }

  integer(key: string): number {
    const value = this.number(key);
    if (!Number.isSafeInteger(value)) throw new WrongType(`${this.#at(key)} is ${value}, not a whole number`);
    return value;
  }

  flag(key: string): boolean {
    return this.flagOrNothing(key) ?? false;
  }

  flagOrNothing(key: string): boolean | undefined {
    const value = this.any(key);
    if (value !== undefined && typeof value !== 'boolean') throw wrong(this.#at(key), value, 'true or false');
    return value;
  }

  texts(key: string): readonly string[] {
    return this.#list(key).map((item, index) => {
      const text = item ?? '';
      if (typeof text !== 'string') throw wrong(this.#at(`${key}[${index}]`), text, 'a string');
      return text;
    });
  }

  list<T>(key: string, read: (item: Fields) => T): readonly T[] {
    return this.#list(key).map((item, index) => read(Fields.of(item, this.#at(`${key}[${index}]`))));
  }

  /** An object; one without fields where there is none. */
  part(key: string): Fields {
    return Fields.of(this.any(key), this.#at(key));
  }

  partOrNothing<T>(key: string, read: (part: Fields) => T): T | undefined {
    return this.any(key) === undefined ? undefined : read(this.part(key));
  }

  #list(key: string): readonly unknown[] {
    const value = this.any(key) ?? [];
    if (!Array.isArray(value)) throw wrong(this.#at(key), value, 'a list');
    return value;
  }

  #at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }
}

function wrong(path: string, value: unknown, wanted: string): WrongType {
  return new WrongType(`${path} is ${kindOf(value)}, not ${wanted}`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'an object';
    case 'boolean':
      return String(value);
    default:
      return `a ${typeof value}`;
  }
}
