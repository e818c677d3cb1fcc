import { gunzipSync } from 'node:zlib';

const limits = { bytes: 5 * 1024, variables: 20 };

/** What a dotenv report says, or why it is refused. */
export type DotenvResult =
  | { readonly kind: 'variables'; readonly variables: ReadonlyMap<string, string> }
  | { readonly kind: 'refused'; readonly because: string };

/** Reads an uploaded dotenv report (gzip) by the server's rules: strict lines, no comments, few variables. */
export function readDotenv(file: Buffer): DotenvResult {
  if (file.length >= limits.bytes) return refused(`Dotenv Artifact Too Big. Maximum Allowable Size: ${limits.bytes}`);
  let text: string;
  try {
    text = gunzipSync(file)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } catch {
    return refused('Invalid Format');
  }
  const variables = new Map<string, string>();
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const match = /^(.*?)=(.*)$/s.exec(line.replace(/\r?\n$/, ''));
    if (!match) return refused('Invalid Format');
    const [key, value] = [match[1]!.trim(), match[2]!.trim()];
    if (!/^[a-zA-Z0-9_]+$/.test(key)) {
      return refused("Validation failed: Key can contain only letters, digits and '_'.");
    }
    variables.set(key, value);
  }
  if (variables.size > limits.variables) {
    return refused(`Dotenv files cannot have more than ${limits.variables} variables`);
  }
  return { kind: 'variables', variables };
}

function refused(because: string): DotenvResult {
  return { kind: 'refused', because };
}
