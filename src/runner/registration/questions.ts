import { RegistrationError } from './registration-error.ts';

/** One thing to ask the user for. */
export interface Question {
  /** `Enter the GitLab instance URL (for example, https://gitlab.com/)`, without the colon. */
  readonly prompt: string;
  /** What it is called when it is missing: `GitLab instance URL`. */
  readonly what: string;
  /** How to give it without being asked: `--url or CI_SERVER_URL`. Absent: nobody needs it. */
  readonly by?: string;
  /** Taken when the user says nothing. */
  readonly given: string | undefined;
  /** No answer is an answer. */
  readonly optional?: true;
  /** Why an answer is no good; it is asked again then. */
  readonly wrong?: (answer: string) => string | undefined;
}

/** Asks the user, or takes what is given. */
export type Ask = (question: Question) => Promise<string>;

/** How lines are read and written. */
export interface Dialogue {
  readonly write: (text: string) => Promise<void>;
  /** A line without its end; undefined: there are no more. */
  readonly readLine: () => Promise<string | undefined>;
}

/** Takes what is given, asks nobody. @throws RegistrationError for something that is needed and missing, or is wrong. */
export const askNobody: Ask = async ({ what, by, given, optional, wrong }) => {
  const answer = (given ?? '').trim();
  if (answer === '' && !optional)
    throw new RegistrationError('usage', `The ${what} needs to be entered${by === undefined ? '' : `: ${by}`}`);
  const why = answer === '' ? undefined : wrong?.(answer);
  if (why !== undefined) throw new RegistrationError('usage', why);
  return answer;
};

/** Asks on a terminal: the question on its line, what is given already, if anything, in brackets on the next one. */
export function askOn({ write, readLine }: Dialogue): Ask {
  return async ({ prompt, given, optional, wrong }) => {
    for (;;) {
      await write(`${prompt}:\n${given ? `[${given}]: ` : ''}`);
      const line = await readLine();
      if (line === undefined) {
        throw new RegistrationError(
          'usage',
          'there is nobody to answer; use --non-interactive with flags or variables',
        );
      }
      const answer = line.trim() || (given ?? '').trim();
      const why = answer === '' ? undefined : wrong?.(answer);
      if (why !== undefined) await write(`${why}\n`);
      else if (answer !== '' || optional) return answer;
    }
  };
}
