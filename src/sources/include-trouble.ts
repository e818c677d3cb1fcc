import type { Checked, Diagnostic } from '../diagnostics/diagnostic.ts';

/** Why something that an include names can't be had. */
export interface Trouble {
  readonly kind: /** Servers may not be asked now. */
    | 'not-read'
    /** A server can't be reached, or gives nothing. */
    | 'not-fetched'
    /** The address, or what came from it, is not allowed. */
    | 'refused'
    /** There is no such thing. */
    | 'missing'
    /** Its path leads out of the project. */
    | 'outside';
  /** Absent only for `not-read`. */
  readonly why?: string;
  readonly hint?: string;
}

/** A value, or why there is none. */
export type Had<T> =
  | { readonly kind: 'had'; readonly value: T }
  | { readonly kind: 'trouble'; readonly trouble: Trouble };

/** There is a value. */
export function had<T>(value: T): Had<T> {
  return { kind: 'had', value };
}

/** There is none. */
export function trouble(kind: Trouble['kind'], why: string | undefined, hint?: string): Had<never> {
  const given = { ...(why === undefined ? {} : { why }), ...(hint === undefined ? {} : { hint }) };
  return { kind: 'trouble', trouble: { kind, ...given } };
}

/** What a user reads about it. @param name what was to be included: `project group/name: file.yml`. */
export function told({ kind, why, hint }: Trouble, name: string): Checked<never> {
  const rest = hint === undefined ? {} : { hint };
  return { value: undefined, diagnostics: [{ ...sentence(kind, shown(name), why ?? ''), ...rest }] };
}

function sentence(kind: Trouble['kind'], name: string, why: string): Pick<Diagnostic, 'code' | 'severity' | 'message'> {
  switch (kind) {
    case 'not-read': {
      const message = `the include of ${name} is not read; what it defines is missing`;
      return { code: 'gitlab/include-not-read', severity: 'warning', message };
    }
    case 'not-fetched':
      return {
        code: 'gitlab/include-not-fetched',
        severity: 'error',
        message: `the include of ${name} can't be fetched: ${why}`,
      };
    case 'refused':
      return {
        code: 'gitlab/include-refused',
        severity: 'error',
        message: `the include of ${name} is refused: ${why}`,
      };
    case 'outside':
      return { code: 'gitlab/include-outside', severity: 'error', message: why };
    case 'missing':
      return { code: 'gitlab/include-not-found', severity: 'error', message: `the include of ${name} fails: ${why}` };
  }
}

/** How a text of a stranger is named in a message. */
function shown(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
