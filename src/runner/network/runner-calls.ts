import { shortToken } from '../runner-log.ts';
import type { RunnerInfo } from './features.ts';
import type { Answered, GitlabClient, KnownRunner, NewToken, Verified } from './gitlab-client.ts';
import { clientError, type JsonAnswer, type JsonCall, jsonCall, type LastUpdate, noAnswer } from './json-call.ts';
import { Fields } from './json-fields.ts';
import type { Transport } from './transport.ts';

/** What the calls of one client share. */
export interface CallsGiven {
  readonly transport: Transport;
  /** The runner's. */
  readonly token: string;
  readonly last: LastUpdate;
}

type RunnerCalls = Pick<
  GitlabClient,
  'register' | 'verify' | 'unregister' | 'unregisterManager' | 'resetToken' | 'resetTokenOf'
>;

/** The calls about runners themselves. */
export function runnerCalls(given: CallsGiven): RunnerCalls {
  const { token } = given;
  return {
    async register(request, signal) {
      const body = {
        ...(request.description ? { description: request.description } : {}),
        ...(request.maintenanceNote ? { maintenance_note: request.maintenanceNote } : {}),
        ...(request.tags.length === 0 ? {} : { tag_list: request.tags.join(',') }),
        run_untagged: request.runUntagged,
        locked: request.locked,
        ...(request.accessLevel === undefined ? {} : { access_level: request.accessLevel }),
        ...(request.maximumTimeoutSeconds > 0 ? { maximum_timeout: request.maximumTimeoutSeconds } : {}),
        paused: request.paused,
        info: request.info,
        token,
      };
      const call = { method: 'POST', path: 'runners', body, expect: 201, signal };
      return answered(given, 'Registering runner', await decoded(given, call, 201), knownRunner);
    },
    verify: (asked, signal) => verify(given, asked, signal),
    unregister: (signal) => remove(given, 'Unregistering runner from GitLab', 'runners', { token }, signal),
    unregisterManager: (systemId, signal) =>
      remove(
        given,
        'Unregistering runner manager from GitLab',
        'runners/managers',
        { token, system_id: systemId },
        signal,
      ),
    async resetToken(signal) {
      const call = { method: 'POST', path: 'runners/reset_authentication_token', body: { token }, expect: 201 };
      // This one call has the token in its body alone.
      const answer = await jsonCall(given.transport, { ...call, answer: 'decode', signal }, given.last);
      return answered(given, 'Resetting runner authentication token', answer, newToken(given));
    },
    async resetTokenOf(runnerId, personalAccessToken, signal) {
      const path = `runners/${runnerId}/reset_authentication_token`;
      const headers = { 'PRIVATE-TOKEN': personalAccessToken };
      const call = { method: 'POST', path, headers, expect: 201, answer: 'decode', signal } as const;
      const answer = await jsonCall(given.transport, call, given.last);
      return answered(given, 'Resetting runner authentication token', answer, newToken(given));
    },
  };
}

function decoded(given: CallsGiven, call: Omit<JsonCall, 'answer' | 'headers'>, expect: number): Promise<JsonAnswer> {
  const headers = { 'RUNNER-TOKEN': given.token };
  return jsonCall(given.transport, { ...call, expect, headers, answer: 'decode' }, given.last);
}

function tell(
  given: CallsGiven,
  level: 'info' | 'warning' | 'error',
  message: string,
  answer: Pick<JsonAnswer, 'text' | 'correlationId' | 'status'>,
): void {
  given.transport.given.log(level, message, {
    runner: shortToken(given.token),
    ...(level === 'info' ? {} : { status: answer.text }),
    correlation_id: answer.correlationId || undefined,
  });
}

function answered<T>(given: CallsGiven, what: string, answer: JsonAnswer, read: (body: Fields) => T): Answered<T> {
  if (answer.status === 201) {
    try {
      const value = read(Fields.of(answer.value));
      tell(given, 'info', `${what}... succeeded`, answer);
      return { kind: 'ok', value };
    } catch (error) {
      const why = `the server's answer can't be read: ${(error as Error).message}`;
      tell(given, 'error', `${what}... failed`, { ...answer, text: why });
      return { kind: 'failed', status: noAnswer, why };
    }
  }
  const more =
    answer.status === 403
      ? ' (check used token)'
      : answer.status === 410
        ? ' (registration tokens are switched off)'
        : '';
  const how = answer.status === clientError ? 'client error' : `failed${more}`;
  tell(given, 'error', `${what}... ${how}`, answer);
  return { kind: 'failed', status: answer.status, why: `${answer.text}${more}` };
}

function knownRunner(body: Fields): KnownRunner {
  return { id: body.integer('id'), token: body.text('token'), tokenExpiresAt: dateOf(body) };
}

function newToken({ transport }: CallsGiven): (body: Fields) => NewToken {
  return (body) => {
    const token = body.text('token');
    if (token === '') throw new Error('there is no token in it');
    return { token, obtainedAt: new Date(transport.given.clock.now()), expiresAt: dateOf(body) };
  };
}

function dateOf(body: Fields): Date | undefined {
  const text = body.text('token_expires_at');
  if (text === '') return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error('token_expires_at is no time');
  return new Date(ms);
}

async function verify(
  given: CallsGiven,
  asked: { readonly info: RunnerInfo; readonly systemId?: string },
  signal: AbortSignal | undefined,
): Promise<Verified> {
  const { token } = given;
  const { info, systemId } = asked;
  const body = { info, token, ...(systemId === undefined || systemId === '' ? {} : { system_id: systemId }) };
  const call = { method: 'POST', path: 'runners/verify', body, expect: 200, signal };
  let answer = await decoded(given, call, 200);
  if (answer.status === noAnswer && !answer.aborted) {
    // Old servers answer with text: the status alone counts then.
    const headers = { 'RUNNER-TOKEN': token };
    answer = await jsonCall(given.transport, { ...call, headers, answer: 'ignore' }, given.last);
  }
  return verified(given, answer);
}

function verified(given: CallsGiven, answer: JsonAnswer): Verified {
  const isNewKind = given.token.startsWith('glrt-');
  const say = (level: 'info' | 'error', how: string) => tell(given, level, `Verifying runner... ${how}`, answer);
  switch (answer.status) {
    case 200:
      try {
        const runner = knownRunner(Fields.of(answer.value));
        say('info', isNewKind ? 'is valid' : 'is alive');
        return { kind: 'valid', runner };
      } catch (error) {
        say('error', 'failed');
        return { kind: 'unknown', why: `the server's answer can't be read: ${(error as Error).message}` };
      }
    case 403:
      say(isNewKind ? 'info' : 'error', isNewKind ? 'is not valid' : 'is removed');
      return { kind: 'removed' };
    default:
      say('error', answer.status === clientError ? 'client error' : 'failed');
      return { kind: 'unknown', why: answer.text };
  }
}

async function remove(
  given: CallsGiven,
  what: string,
  path: string,
  body: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const headers = { 'RUNNER-TOKEN': given.token };
  const call = { method: 'DELETE', path, headers, body, expect: 204, answer: 'ignore', signal } as const;
  const answer = await jsonCall(given.transport, call, given.last);
  const gone = answer.status === 204;
  const how = gone ? 'succeeded' : answer.status === 403 ? 'forbidden' : 'failed';
  tell(given, gone ? 'info' : 'error', `${what}... ${answer.status === clientError ? 'client error' : how}`, answer);
  return gone;
}
