import { ciCodes } from './codes/ci.ts';
import { circleCodes } from './codes/circle.ts';
import { gitlabCodes } from './codes/gitlab.ts';
import { planCodes } from './codes/plan.ts';
import { schemaCodes } from './codes/schema.ts';
import { syntaxCodes } from './codes/syntax.ts';

/**
 * Every diagnostic code with one line that explains it, shown in the docs. A code is never reused or renamed.
 * Each code has at least one fixture that produces it (a test checks this).
 */
export const diagnosticCodes = {
  ...syntaxCodes,
  ...schemaCodes,
  ...gitlabCodes,
  ...ciCodes,
  ...circleCodes,
  ...planCodes,
} as const satisfies Readonly<Record<string, string>>;

/** A code that is in the list: one that is not does not compile. */
export type DiagnosticCode = keyof typeof diagnosticCodes;
