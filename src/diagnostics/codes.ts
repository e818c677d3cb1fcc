/**
 * Every diagnostic code with one line that explains it, shown in the docs. A code is never reused or renamed.
 * Each code has at least one fixture that produces it (a test checks this).
 * Keep the table sorted by code.
 */
export const diagnosticCodes = {
  'syntax/yaml': 'The text is not valid YAML.',
} as const satisfies Readonly<Record<string, string>>;

export type DiagnosticCode = keyof typeof diagnosticCodes;
