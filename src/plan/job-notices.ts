import type { VariableSets } from '../model/context.ts';
import { givenSecrets, missingSecretsText } from '../model/job-secrets.ts';
import type { PlanNode } from '../model/plan.ts';

/** What somebody should know of the jobs of a plan before they start, one line each. */
export function jobNotices(nodes: readonly PlanNode[], sets?: VariableSets): readonly string[] {
  const notices = new Set<string>([...unknownSets(nodes, sets), ...missingServices(nodes)]);
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

/** Services of jobs that run outside of containers: nobody starts them. */
function missingServices(nodes: readonly PlanNode[]): readonly string[] {
  const without = nodes.flatMap((node) =>
    node.kind === 'job' && node.executor !== 'docker' && node.definition.services.length > 0 ? [node] : [],
  );
  const [first, ...others] = without;
  if (first === undefined) return [];
  const names = first.definition.services.map(({ name }) => name).join(', ');
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return [
    `services are only started for jobs in containers: ${first.id} (${names})${more} must find them running already`,
  ];
}

/** Sets of variables that jobs name and that are not on this machine. */
function unknownSets(nodes: readonly PlanNode[], sets: VariableSets | undefined): readonly string[] {
  const users = new Map<string, string[]>();
  for (const node of nodes) {
    for (const name of node.kind === 'job' ? (node.definition.variableSets ?? []) : []) {
      if (sets?.get(name) === undefined) users.set(name, [...(users.get(name) ?? []), node.id]);
    }
  }
  const where = sets === undefined ? 'your settings' : sets.definedIn;
  return [...users].map(
    ([name, [first, ...others]]) =>
      `the context \`${name}\` is not on this machine: ${first}${others.length > 0 ? ` and ${others.length} more` : ''} ` +
      `will run without its variables (define it below \`[contexts.${tomlKey(name)}]\` in ${where})`,
  );
}

/** A key of TOML; what is no plain word is quoted. */
function tomlKey(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
