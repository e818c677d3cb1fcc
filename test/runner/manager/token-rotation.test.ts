import { describe, expect, it } from 'vitest';
import type { RunnerChange } from '../../../src/runner/config/change-runners.ts';
import { readConfig } from '../../../src/runner/config/read-config.ts';
import { isTokenOld, tokenRotation } from '../../../src/runner/manager/token-rotation.ts';
import type { Answered, NewToken } from '../../../src/runner/network/gitlab-client.ts';
import { fakeClock, settled } from '../../support/fake-clock.ts';

const day = 86_400_000;
const start = Date.parse('2026-01-01T00:00:00Z');
const atDay = (days: number): Date => new Date(start + days * day);

function runnersOf(...list: readonly Record<string, unknown>[]) {
  const whole = list.map((one, index) => ({ url: 'http://x', token: `t${index}`, executor: 'shell', ...one }));
  return readConfig({ runners: whole }, {}).config.runners;
}

const old = { token_obtained_at: atDay(0), token_expires_at: atDay(10) };

describe('a token', () => {
  it.each([
    { obtained: 0, expires: 10, now: 7.49, isOld: false },
    { obtained: 0, expires: 10, now: 7.5, isOld: true },
    { obtained: 0, expires: 10, now: 30, isOld: true },
    { obtained: 4, expires: 5, now: 4.7, isOld: false },
    { obtained: 4, expires: 5, now: 4.75, isOld: true },
  ])('of days $obtained to $expires is old on day $now: $isOld', ({ obtained, expires, now, isOld }) => {
    const [runner] = runnersOf({ token_obtained_at: atDay(obtained), token_expires_at: atDay(expires) });
    expect(isTokenOld(runner!, atDay(now).getTime())).toBe(isOld);
  });

  it('that never expires is never old', () => {
    const never = new Date('0001-01-01T00:00:00Z');
    const [runner, bare] = runnersOf({ token_obtained_at: atDay(0), token_expires_at: never }, {});
    expect(isTokenOld(runner!, atDay(100_000).getTime())).toBe(false);
    expect(isTokenOld(bare!, atDay(100_000).getTime())).toBe(false);
  });

  it('whose beginning nobody knows is old', () => {
    const [runner] = runnersOf({ token_expires_at: atDay(10) });
    expect(isTokenOld(runner!, start)).toBe(true);
  });
});

function rotating() {
  const clock = fakeClock(atDay(8).getTime());
  const state = {
    answer: { kind: 'ok', value: { token: 'new', obtainedAt: atDay(8), expiresAt: atDay(18) } } as Answered<NewToken>,
    canSave: true,
    saveFails: false,
    asked: [] as string[],
    saved: [] as RunnerChange[],
    log: [] as string[],
  };
  const rotation = tokenRotation({
    clientOf: ({ token }) => ({
      resetToken: async () => {
        state.asked.push(token);
        return state.answer;
      },
    }),
    canSave: () => state.canSave,
    save: async (changes) => {
      if (state.saveFails) throw new Error('no space left');
      state.saved.push(...changes);
    },
    clock,
    log: (level, message) => state.log.push(`${level}: ${message}`),
  });
  return { clock, rotation, state };
}

describe('tokens', () => {
  it('are changed when they are old, and the rest stays', async () => {
    const { rotation, state } = rotating();
    rotation.check(runnersOf(old, {}, { ...old, token_expires_at: atDay(100) }));
    await rotation.settled(1000);
    expect(state.asked).toEqual(['t0']);
    expect(state.saved).toMatchObject([{ kind: 'set', runner: { token: 't0' }, values: { token: 'new' } }]);
  });

  it.each([0, -3_600_000, 3_600_000])(
    'are asked for once a minute, then less, when the server refuses and the clock is set by %i ms',
    async (byMs) => {
      const { clock, rotation, state } = rotating();
      state.answer = { kind: 'failed', status: 403, why: '403 Forbidden' };
      const runners = runnersOf(old);
      for (let second = 0; second < 600; second += 3) {
        if (second === 300) clock.set(byMs);
        rotation.check(runners);
        await settled();
        await clock.advance(3000);
      }
      // After 0, 1, 3 and 7 minutes.
      expect(state.asked).toHaveLength(4);
      expect(state.log.filter((line) => line.includes('403 Forbidden'))).toHaveLength(4);
      expect(state.saved).toEqual([]);
    },
  );

  it('are left alone where the flag says so, with a warning that comes once in a while', async () => {
    const { clock, rotation, state } = rotating();
    const runners = runnersOf({ ...old, feature_flags: { FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true } });
    for (let second = 0; second < 60; second += 3) {
      rotation.check(runners);
      await settled();
      await clock.advance(3000);
    }
    expect(state.asked).toEqual([]);
    expect(state.log).toEqual(['warning: The token expires soon, and may not be changed by itself']);
  });

  it('are not changed while the file can not be written: the old one would be lost', async () => {
    const { rotation, state } = rotating();
    state.canSave = false;
    rotation.check(runnersOf(old));
    await rotation.settled(1000);
    expect(state.asked).toEqual([]);
    expect(state.log.join()).toContain("the file can't be written");
  });

  it('are saved later when saving fails, without asking again', async () => {
    const { clock, rotation, state } = rotating();
    state.saveFails = true;
    const runners = runnersOf(old);
    rotation.check(runners);
    await rotation.settled(1000);
    expect(state.log.join()).toContain('could not be saved: no space left');
    state.saveFails = false;
    rotation.check(runners);
    await rotation.settled(1000);
    expect(state.saved).toEqual([]);
    await clock.advance(60_000);
    rotation.check(runners);
    await rotation.settled(1000);
    expect(state.saved).toMatchObject([{ values: { token: 'new' } }]);
    expect(state.asked).toEqual(['t0']);
  });
});
