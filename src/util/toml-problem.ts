/**
 * What a TOML parser's error says, for people: `FILE:3:7 is no valid TOML: …`. Without the lines around the mistake that
 * the parser shows: they may hold a token.
 */
export function tomlProblem(path: string, error: unknown): string {
  const { message, line, column } = error as Error & { readonly line?: number; readonly column?: number };
  const [what = ''] = message.split('\n');
  const at = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return `${path}${at} is no valid TOML: ${what.replace(/^Invalid TOML document: /, '')}`;
}
