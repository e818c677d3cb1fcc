/** Why a part of a block means nothing. One clause, no full stop. */
export interface BlockError {
  readonly message: string;
  readonly hint?: string;
}

/** What a part of a block gives. */
export type BlockOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: BlockError };

/** The result of a part that gives a value. */
export function given<T>(value: T): BlockOutcome<T> {
  return { ok: true, value };
}

/** The result of a part that gives none. */
export function refused(message: string, hint?: string): BlockOutcome<never> {
  return { ok: false, error: { message, ...(hint === undefined ? {} : { hint }) } };
}
