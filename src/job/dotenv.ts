import type { Variable } from '../model/variable.ts';

/** GitLab's limit for the file. Source: https://docs.gitlab.com/administration/instance_limits/#limit-dotenv-file-size */
export const maxDotenvBytes = 5 * 1024;

/** The most that gitlab.com allows anybody. Source: https://docs.gitlab.com/administration/instance_limits/#limit-dotenv-variables */
export const mostDotenvVariables = 150;

/** What a server of one's own allows unless told otherwise. */
export const usualDotenvVariables = 20;

/** Either variables, or what is wrong with the file: one clause. */
export type DotenvResult = { readonly variables: readonly Variable[] } | { readonly problem: string };

/**
 * Reads `artifacts:reports:dotenv`: `KEY=VALUE` lines, nothing else: no quotes, no comments, no empty lines, no
 * expansion, names of letters, digits and underscores. Of a name that occurs twice the last one counts.
 * Source: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv
 */
export function parseDotenv(text: string): DotenvResult {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replace(/\n$/, '')
    .split('\n');
  if (text.trim() === '') return { variables: [] };
  const variables = new Map<string, Variable>();
  for (const [index, line] of lines.entries()) {
    const match = /^([^=]*)=(.*)$/.exec(line.replace(/\r$/, ''));
    if (match === null) return { problem: `line ${index + 1} is not KEY=VALUE` };
    const name = match[1]!.trim();
    if (!/^\w+$/.test(name)) {
      return { problem: `line ${index + 1}: a name may hold letters, digits and underscores only` };
    }
    variables.set(name, { name, value: match[2]!.trim(), raw: true });
  }
  if (variables.size > mostDotenvVariables) {
    return { problem: `${variables.size} variables, at most ${mostDotenvVariables} are allowed` };
  }
  return { variables: [...variables.values()] };
}
