import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { SystemError } from '../../../src/model/outcome.ts';
import { JobSession, type Seat } from '../../../src/runner/session/job-session.ts';
import { deferred } from '../../../src/util/deferred.ts';

const never = new AbortController().signal;

function session() {
  const lines: string[] = [];
  const forgotten: string[] = [];
  const made = new JobSession({
    job: 7,
    authorization: 'secret',
    stayMs: 1000,
    log: (level, message) => void lines.push(`${level}: ${message}`),
    forget: () => void forgotten.push('it'),
  });
  return { made, lines, forgotten };
}

function terminal() {
  const written: string[] = [];
  return { written, input: new PassThrough(), write: async (bytes: Uint8Array) => void written.push(String(bytes)) };
}

function seatOf(made: JobSession): Seat {
  const seat = made.take();
  if (typeof seat === 'string') throw new Error(seat);
  return seat;
}

/** Stays until he is sent away. */
const stays = (_: unknown, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('JobSession', () => {
  it('lets nobody in before it is open, one at a time then, and nobody after', async () => {
    const { made, forgotten } = session();
    expect(made.take()).toBe('none');
    made.open(stays);
    await made.decided;
    const gone = new AbortController();
    const visit = seatOf(made).enter(terminal(), gone.signal);
    expect([made.take(), made.isOccupied()]).toEqual(['taken', true]);
    gone.abort();
    await Promise.all([visit, made.empty()]);
    expect(made.isOccupied()).toBe(false);
    const next = seatOf(made).enter(terminal(), never);
    await made[Symbol.asyncDispose]();
    await next;
    expect([made.take(), made.isOccupied(), forgotten]).toEqual(['none', false, ['it']]);
  });

  it('is closed when it is refused', async () => {
    const { made } = session();
    made.refuse();
    await made.decided;
    expect(made.take()).toBe('none');
  });

  it('takes a seat back from one who never came', async () => {
    const { made } = session();
    made.open(stays);
    const seat = seatOf(made);
    seat.giveBack();
    expect(made.isOccupied()).toBe(false);
    const other = seatOf(made);
    const visit = other.enter(terminal(), never);
    seat.giveBack();
    other.giveBack();
    expect(made.isOccupied()).toBe(true);
    await made.close();
    await visit;
  });

  it('waits with its end for the one who is in', async () => {
    const { made } = session();
    const left = deferred();
    made.open(() => left.promise);
    void seatOf(made).enter(terminal(), never);
    let isClosed = false;
    const closing = made.close().then(() => {
      isClosed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    left.resolve();
    await closing;
  });

  it.each([
    [new SystemError('runner_system_failure', 'no such place'), 'no such place'],
    [new Error('a bug'), 'the terminal failed'],
  ])('tells of what goes wrong, and is free again: %s', async (error, shown) => {
    const { made, lines } = session();
    made.open(async () => {
      throw error;
    });
    const his = terminal();
    await seatOf(made).enter(his, never);
    expect(his.written.join('')).toContain(shown);
    expect(lines.join()).toContain(error.message);
    expect(made.isOccupied()).toBe(false);
  });
});
