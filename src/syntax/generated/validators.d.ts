/*
 * Types of `validators.js`, which scripts/compile-schemas.mjs makes from schemas/*.json.
 * The module itself is not committed: the build and the tests make it.
 */

/** One finding of a validator, as ajv reports it; `schemaPath` starts with the definition: `gitlab/script/anyOf`. */
export interface SchemaError {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Validator {
  (data: unknown): boolean;
  /** Of the last call; null when it found nothing. */
  readonly errors?: readonly SchemaError[] | null;
}

export interface DialectValidators {
  readonly job: Validator;
  readonly keywords: Readonly<Record<string, Validator>>;
}

export const validators: {
  readonly gitlab: DialectValidators;
  readonly ci: DialectValidators;
};
/** "a string or a list of strings", by the path of the definition. */
export const expectedPhrases: Readonly<Record<string, string>>;
/** The keys that a map may have, by the path of its definition. */
export const knownKeys: Readonly<Record<string, readonly string[]>>;
