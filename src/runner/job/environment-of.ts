import type { RunnerEntry } from '../config/runner-config.ts';

/** `environment` (`NAME=value`) of a runner's entry in the file; a job's variable of the same name wins. */
export function environmentOf({
  environment,
}: Pick<RunnerEntry, 'environment'>): readonly { readonly name: string; readonly value: string }[] {
  return environment.flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [{ name: pair.slice(0, at), value: pair.slice(at + 1) }];
  });
}
