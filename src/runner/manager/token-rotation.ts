import type { Clock } from '../../util/clock.ts';
import type { RunnerChange } from '../config/change-runners.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import type { GitlabClient } from '../network/gitlab-client.ts';
import { backoff } from '../network/retry.ts';
import { newTokenChange } from '../registration/kept-runners.ts';
import { type RunnerLog, shortToken } from '../runner-log.ts';

/** When a token is changed: after three quarters of its time. */
const share = 0.75;

/** Between two tries of what failed: a minute, two, … an hour. */
const pauses = { minMs: 60_000, maxMs: 3_600_000 } as const;

/** What changing tokens needs. */
export interface RotationGiven {
  readonly clientOf: (runner: RunnerEntry) => Pick<GitlabClient, 'resetToken'>;
  /** Can the file be written? The server forgets the old token at once. */
  readonly canSave: () => boolean;
  readonly save: (changes: readonly RunnerChange[]) => Promise<void>;
  readonly clock: Clock;
  readonly log: RunnerLog;
}

/** Changes tokens in time, before their servers take them no more. */
export interface TokenRotation {
  /** Looks whether one is old, and goes on by itself; whatever goes wrong is logged and tried again later. */
  check(runners: readonly RunnerEntry[]): void;
  /** Resolves when no token is being changed, or the time is over. */
  settled(patienceMs: number): Promise<void>;
}

/** Is it time to ask for a new token? Tokens that never expire are kept. */
export function isTokenOld({ tokenObtainedAt, tokenExpiresAt }: RunnerEntry, nowMs: number): boolean {
  if (tokenExpiresAt === undefined) return false;
  // Nobody knows when it was got: it may be as old as it can be.
  const from = tokenObtainedAt?.getTime() ?? 0;
  return nowMs >= from + share * (tokenExpiresAt.getTime() - from);
}

/** Says when what failed is tried again: later each time. */
function spacedTries(clock: Clock) {
  const waiting = new Map<string, { readonly untilMs: number; readonly pauses: ReturnType<typeof backoff> }>();
  return {
    isDue: (key: string): boolean => clock.elapsed() >= (waiting.get(key)?.untilMs ?? Number.NEGATIVE_INFINITY),
    putOff(key: string): void {
      const growing = waiting.get(key)?.pauses ?? backoff(pauses);
      waiting.set(key, { untilMs: clock.elapsed() + growing.next(), pauses: growing });
    },
    succeeded: (key: string): unknown => waiting.delete(key),
  };
}

/** A runner's new token; undefined: the old one stays for now. */
async function renewed(
  runner: RunnerEntry,
  { clientOf, canSave, clock, log }: RotationGiven,
  tries: ReturnType<typeof spacedTries>,
): Promise<RunnerChange | undefined> {
  const key = `${runner.url} ${runner.token}`;
  if (!isTokenOld(runner, clock.now()) || !tries.isDue(key)) return undefined;
  const fields = { name: runner.name, runner: shortToken(runner.token) };
  tries.putOff(key);
  if (runner.featureFlags['FF_DISABLE_AUTOMATIC_TOKEN_ROTATION']) {
    log('warning', 'The token expires soon, and may not be changed by itself', fields);
    return undefined;
  }
  if (!canSave()) {
    log('error', "The token expires soon, and is not changed: the file can't be written", fields);
    return undefined;
  }
  const answer = await clientOf(runner).resetToken();
  if (answer.kind === 'ok') log('info', 'The token was changed', fields);
  else log('error', `The token could not be changed: ${answer.why}`, fields);
  return answer.kind === 'ok' ? newTokenChange(runner, answer.value) : undefined;
}

/** Makes it; it does nothing by itself. */
export function tokenRotation(given: RotationGiven): TokenRotation {
  const { clock, log } = given;
  const tries = spacedTries(clock);
  /** New tokens that are not in the file yet; the server knows no others. */
  const unsaved: RunnerChange[] = [];
  let underWay: Promise<void> | undefined;

  async function save(): Promise<void> {
    const key = 'the file';
    if (unsaved.length === 0 || !tries.isDue(key)) return;
    try {
      await given.save(unsaved);
      unsaved.length = 0;
      tries.succeeded(key);
    } catch (error) {
      tries.putOff(key);
      log('error', `A new token could not be saved: ${(error as Error).message}; do not stop the runner before it is`);
    }
  }

  async function round(runners: readonly RunnerEntry[]): Promise<void> {
    const known = new Set(unsaved.map(({ runner }) => runner.token));
    for (const runner of runners) {
      if (known.has(runner.token)) continue;
      const change = await renewed(runner, given, tries);
      if (change !== undefined) unsaved.push(change);
      await save();
    }
    await save();
  }

  return {
    check(runners) {
      underWay ??= round(runners).finally(() => {
        underWay = undefined;
      });
    },
    async settled(patienceMs) {
      if (underWay === undefined) return;
      const stop = new AbortController();
      await Promise.race([underWay, clock.sleep(patienceMs, stop.signal)]);
      stop.abort();
    },
  };
}
