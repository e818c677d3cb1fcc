import { createClient } from '../../../src/runner/network/create-client.ts';
import { runnerInfo } from '../../../src/runner/network/features.ts';
import type { Credentials, GitlabClient } from '../../../src/runner/network/gitlab-client.ts';
import { type NetworkGiven, Transport } from '../../../src/runner/network/transport.ts';
import type { RunnerLogFields } from '../../../src/runner/runner-log.ts';
import type { Clock } from '../../../src/util/clock.ts';
import type { Row } from './corpus.ts';
import { json, type Scripted } from './scripted-server.ts';

/** A clock whose sleeps end at once and are written down. */
export interface JumpingClock extends Clock {
  readonly slept: number[];
  advance(ms: number): void;
  /** Sets what `now` says ahead or back, as somebody may set the clock. */
  set(byMs: number): void;
}

export function jumpingClock(startMs = Date.parse('2026-01-02T03:04:05Z')): JumpingClock {
  let now = startMs;
  let setByMs = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now + setByMs,
    elapsed: () => now,
    set(byMs) {
      setByMs += byMs;
    },
    advance(ms) {
      now += ms;
    },
    async sleep(ms) {
      slept.push(ms);
      now += ms;
    },
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: RunnerLogFields;
}

/** What tests give to the network; `lines` is the log. */
export function networkGiven(more: Partial<NetworkGiven> = {}): NetworkGiven & {
  readonly clock: Clock;
  readonly lines: LogLine[];
} {
  const lines: LogLine[] = [];
  return {
    identity: { name: 'pipewright', version: '0.1.0', revision: 'abc', platform: 'linux', architecture: 'amd64' },
    log: (level, message, fields = {}) => void lines.push({ level, message, fields }),
    clock: jumpingClock(),
    random: () => 0.5,
    env: {},
    ...more,
    lines,
  };
}

export const info = runnerInfo(networkGiven().identity, { executor: 'shell', shell: 'bash', features: ['refspecs'] });

export function clientOf(
  credentials: Credentials,
  more: Partial<NetworkGiven> = {},
): { readonly client: GitlabClient; readonly lines: LogLine[]; readonly given: NetworkGiven } {
  const given = networkGiven(more);
  return { client: createClient(credentials, given), lines: given.lines, given };
}

export function transportOf(url: string, more: Partial<NetworkGiven> = {}): Transport {
  return new Transport({ url, token: 'validtoken' }, networkGiven(more));
}

/** The answer that a row writes down. */
export function scriptedOf(response: Row['server_response'], request?: { readonly token?: string }): Scripted {
  if (response.connection === 'dropped') return { dropped: true };
  const headers: Record<string, string> = { ...response.headers };
  if (response.content_type !== undefined) headers['Content-Type'] = response.content_type;
  const reason = response.status === 413 ? { reason: 'Request Entity Too Large' } : {};
  const body = response.body;
  if (body === undefined) return { status: response.status, headers, ...reason };
  if (typeof body === 'string') return { status: response.status, headers, body, ...reason };
  const filled = body.token === '<echo>' ? { ...body, token: request?.token } : body;
  return json(response.status, filled, headers);
}
