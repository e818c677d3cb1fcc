import type { Variable } from './variable.ts';

/** Shorter values are not hidden, as in jobs' logs: too much would go with them. */
const shortest = 4;

/** A text that is told outside of a job, without the values of masked variables; longer ones go before those that they hold. */
export function hideMasked(text: string, variables: readonly Variable[]): string {
  const secrets = variables.flatMap(({ masked, value }) => (masked && value.length >= shortest ? [value] : []));
  secrets.sort((one, other) => other.length - one.length);
  return secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[MASKED]'), text);
}
