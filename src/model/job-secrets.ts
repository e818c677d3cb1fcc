import type { JobSecret } from './pipeline.ts';
import type { Variable, VariableLayers } from './variable.ts';

/** A job's `secrets`, as far as the user has given their values. */
export interface GivenSecrets {
  /** Masked, and files where the job wants files. They stand above all other variables. */
  readonly variables: readonly Variable[];
  readonly missing: readonly JobSecret[];
}

/** Takes the values of secrets from the user's own variables of the same names: what stands above the pipeline file. */
export function givenSecrets(secrets: readonly JobSecret[], { aboveDotenv }: VariableLayers): GivenSecrets {
  const variables: Variable[] = [];
  const missing: JobSecret[] = [];
  for (const secret of secrets) {
    const own = aboveDotenv.findLast(({ name }) => name === secret.name);
    if (own === undefined) missing.push(secret);
    else variables.push({ name: own.name, value: own.value, raw: true, masked: true, file: secret.file });
  }
  return { variables, missing };
}

/** What is missing and what to do, for people. */
export function missingSecretsText(missing: readonly JobSecret[]): { readonly message: string; readonly hint: string } {
  const names = missing.map(({ name, store }) => `${name} (${store})`);
  const first = missing[0]?.name ?? 'NAME';
  return {
    message: `${missing.length === 1 ? 'the secret' : 'the secrets'} ${names.join(', ')} ${missing.length === 1 ? 'has' : 'have'} no value here: no secret store is asked`,
    hint: `export ${first}=… and add --secret ${first}, or put it into a file for --var-file`,
  };
}
