/** Codes of the area `syntax/`, sorted, each with one line for the docs. */
export const syntaxCodes = {
  'syntax/yaml': 'The text is not valid YAML.',
} as const satisfies Readonly<Record<string, string>>;
