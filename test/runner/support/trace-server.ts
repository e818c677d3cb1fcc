import { createClient } from '../../../src/runner/network/create-client.ts';
import type { NetworkGiven } from '../../../src/runner/network/transport.ts';
import { type JobTrace, type JobTraceOptions, openJobTrace } from '../../../src/runner/trace/job-trace.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { info, networkGiven } from './network.ts';
import { type Scripted, type ScriptedServer, type Seen, scriptedServer } from './scripted-server.ts';

/** A clock whose sleeps last one turn of the event loop, and move it on. */
export function hurryingClock(): Clock & { readonly slept: number[]; set(byMs: number): void } {
  let now = Date.parse('2026-01-02T03:04:05Z');
  let setByMs = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now + setByMs,
    set(byMs) {
      setByMs += byMs;
    },
    elapsed: () => now,
    async sleep(ms, signal) {
      if (signal?.aborted) return;
      slept.push(ms);
      now += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** A request as short text: `patch 0 hello`, `put running`. */
export function told(seen: Seen): string {
  if (seen.method === 'PUT') return `put ${String(seen.json()['state'])}`;
  return `patch ${String(seen.headers['content-range']).split('-')[0]} ${seen.body.toString()}`;
}

export interface TraceStage extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly trace: JobTrace;
  readonly clock: ReturnType<typeof hurryingClock>;
  readonly network: ReturnType<typeof networkGiven>;
  /** What was asked so far. */
  readonly sequence: readonly string[];
}

/** A trace of job 123 and a server for it that answers as told; by default it takes everything. */
export async function traceStage(
  directory: string,
  answer: (asked: string, seen: Seen) => Scripted | Promise<Scripted> = (asked) => taken(asked),
  more: Partial<JobTraceOptions> = {},
  network: Partial<NetworkGiven> = {},
): Promise<TraceStage> {
  const server = await scriptedServer((seen) => answer(told(seen), seen));
  const clock = hurryingClock();
  const given = networkGiven({ clock, limits: { maxAttempts: 1 }, ...network });
  const credentials = { url: server.url, token: 'runner-token' };
  const client = createClient(credentials, given);
  const trace = await openJobTrace({
    client,
    info,
    clock,
    log: given.log,
    directory,
    server: credentials,
    job: { id: 123, token: 'job-token' },
    systemId: 's_0123456789ab',
    debugTrace: 'off',
    ...more,
  });
  return {
    server,
    trace,
    clock,
    network: given,
    get sequence() {
      return server.seen.map(told);
    },
    async [Symbol.asyncDispose]() {
      await trace.drop();
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The answer of a server that takes everything. */
export function taken(asked: string): Scripted {
  return asked.startsWith('put') ? { status: 200, body: '200' } : { status: 202 };
}
