import { editConfigFile, readConfigFile } from './config-file.ts';
import type { ConfigEdit, ConfigTable } from './edit-config.ts';
import type { RunnerEntry } from './runner-config.ts';

/** What shall become of a runner of the file: some of its keys get other values, or it goes. */
export type RunnerChange = { readonly runner: RunnerEntry } & (
  | { readonly kind: 'set'; readonly values: ConfigTable }
  | { readonly kind: 'remove' }
);

/**
 * Changes runners where they are in the file now: it may have been changed since they were read, by people or by another
 * process, and a token that lands with another runner is lost.
 * @param variables for `$NAME` in `url` and `token`.
 * @returns those that are in the file no more; nothing is done about them.
 * @throws ConfigFileError
 */
export async function changeRunners(
  path: string,
  variables: Readonly<Record<string, string | undefined>>,
  changes: readonly RunnerChange[],
): Promise<readonly RunnerEntry[]> {
  const { runners } = readConfigFile(path, variables).config;
  const placed = changes.map((change) => ({ change, index: placeOf(change.runner, runners) }));
  const there = placed.filter(({ index }) => index !== -1);
  // The last one first: what is behind a runner that goes moves up.
  const edits = there.sort((a, b) => b.index - a.index).map(({ change, index }) => editOf(change, index));
  if (edits.length > 0) await editConfigFile(path, edits);
  return placed.filter(({ index }) => index === -1).map(({ change }) => change.runner);
}

/** Two of the same token are told apart by their old place. */
function placeOf({ url, token, index }: RunnerEntry, runners: readonly RunnerEntry[]): number {
  const isSame = (runner: RunnerEntry | undefined): boolean => runner?.url === url && runner.token === token;
  return isSame(runners[index]) ? index : runners.findIndex(isSame);
}

function editOf(change: RunnerChange, index: number): ConfigEdit {
  return change.kind === 'remove' ? { kind: 'remove', index } : { kind: 'set', index, values: change.values };
}
