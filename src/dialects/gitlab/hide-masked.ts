import type { Diagnostic, Report } from '../../diagnostics/diagnostic.ts';
import type { KnownVariable } from './interpolation/functions.ts';

/** Shorter values would be found in the words of the messages. */
const shortestHidden = 4;

/** Masked variables may stand in what an `include` names; messages about it do not tell their values. */
export function hideMasked(given: {
  readonly variable: (name: string) => KnownVariable | undefined;
  readonly report: Report;
}): { readonly variable: (name: string) => string | undefined; readonly report: Report } {
  const secrets = new Set<string>();
  const hide = (text: string): string =>
    [...secrets].reduce((hidden, secret) => hidden.replaceAll(secret, '[MASKED]'), text);
  return {
    variable: (name) => {
      const found = given.variable(name);
      if (found?.masked && found.value.length >= shortestHidden) secrets.add(found.value);
      return found?.value;
    },
    report: (diagnostic) => given.report(secrets.size === 0 ? diagnostic : hidden(diagnostic, hide)),
  };
}

function hidden(diagnostic: Diagnostic, hide: (text: string) => string): Diagnostic {
  const { message, hint, related } = diagnostic;
  return {
    ...diagnostic,
    message: hide(message),
    ...(hint === undefined ? {} : { hint: hide(hint) }),
    ...(related === undefined ? {} : { related: related.map((each) => ({ ...each, message: hide(each.message) })) }),
  };
}
