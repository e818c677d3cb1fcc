/** Levels of the runner's own log, as GitLab Runner names them. */
export type RunnerLogLevel = 'debug' | 'info' | 'warning' | 'error';

/** What belongs to a line of the log; undefined ones are left out. Never a whole token: see `shortToken`. */
export type RunnerLogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Takes the lines of the runner's own log (not of a job's). */
export type RunnerLog = (level: RunnerLogLevel, message: string, fields?: RunnerLogFields) => void;

/**
 * The part of a token that may be shown: nine characters after what tells its kind.
 * Source: https://docs.gitlab.com/security/tokens/#token-prefixes
 */
export function shortToken(token: string): string {
  return token.replace(/^(glrt-(t[123]_)?|t[123]_|glrtr-|glcbt-|GR[0-9a-fA-F]{7})/, '').slice(0, 9);
}
