import { SystemError } from '../model/outcome.ts';
import type { GitResult } from '../util/git.ts';
import { monotonicMs } from '../util/monotonic.ts';

/** Asks git in a directory; `askGit` or `runGit` with the environment bound. Must not run hooks or anything of the repository. */
export type AskGit = (directory: string, args: readonly string[]) => GitResult | Promise<GitResult>;

/**
 * What git printed; undefined when there is no git.
 * @throws SystemError with git's own words when it fails.
 */
export async function answerOf(ask: AskGit, directory: string, args: readonly string[]): Promise<string | undefined> {
  const result = await ask(directory, args);
  if (result.kind === 'ok') return result.stdout;
  if (result.kind === 'missing') return undefined;
  const words = result.stderr.trim().split('\n')[0] ?? '';
  throw new SystemError('runner_system_failure', `git ${args[0]} failed in ${directory}: ${words}`, {
    ...(/safe\.directory|dubious/.test(result.stderr)
      ? { hint: `run: git config --global --add safe.directory ${directory}` }
      : {}),
  });
}

/** An answer that is older may be no longer true. */
export const mostAgeMs = 1000;

/** Asks these questions at once, while nobody waits for the answers; who asks one of them soon gets the answer that is on its way. */
export function askAhead(ask: AskGit, directory: string, questions: readonly (readonly string[])[]): AskGit {
  const begunMs = monotonicMs();
  const keyOf = (where: string, args: readonly string[]): string => [where, ...args].join('\0');
  const ahead = new Map(questions.map((args) => [keyOf(directory, args), ask(directory, args)]));
  return (where, args) => {
    const key = keyOf(where, args);
    const answer = ahead.get(key);
    ahead.delete(key);
    return answer !== undefined && monotonicMs() - begunMs < mostAgeMs ? answer : ask(where, args);
  };
}
