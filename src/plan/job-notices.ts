import { givenSecrets, missingSecretsText } from '../model/job-secrets.ts';
import type { PlanNode } from '../model/plan.ts';

/** What somebody should know of the jobs of a plan before they start, one line each. */
export function jobNotices(nodes: readonly PlanNode[]): readonly string[] {
  const notices = new Set<string>();
  const signed = new Set<string>();
  for (const node of nodes) {
    if (node.kind !== 'job') continue;
    const { secrets = [], idTokens = [], name } = node.definition;
    const { missing } = givenSecrets(secrets, node.variables);
    if (missing.length > 0) {
      const { message, hint } = missingSecretsText(missing);
      notices.add(`${name} will fail: ${message} (${hint})`);
    }
    const { aboveDotenv } = node.variables;
    for (const token of idTokens) {
      if (!aboveDotenv.some((variable) => variable.name === token.name)) signed.add(token.name);
    }
  }
  if (signed.size > 0) {
    notices.add(
      `ID tokens (${[...signed].join(', ')}) are signed by a key of this machine, which services don't trust by themselves`,
    );
  }
  return [...notices];
}
