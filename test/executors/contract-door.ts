import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Session } from '../../src/executors/executor.ts';
import type { JobSpec } from '../../src/model/job-spec.ts';
import { type Collected, type Contestant, collect, never } from './contract.ts';

/** Somebody at a terminal elsewhere. */
function visitor() {
  const input = new PassThrough();
  const screen = collect();
  return { screen, type: (text: string): void => void input.write(text), terminal: { input, write: screen.write } };
}

/** What lets people come in while commands run; executors that have no such way say so by having none. */
export function doors(open: (over?: Partial<JobSpec>) => Promise<Session>, contestant: Contestant): void {
  const running = async (session: Session, script: string): Promise<readonly [Collected, Promise<unknown>]> => {
    const stdout = collect();
    const ended = session.run({ script, env: {}, stdout, stderr: collect() }, never);
    await stdout.says('ready');
    return [stdout, ended];
  };
  const isGone = async (tag: string): Promise<void> => {
    for (let tries = 0; tries < 100 && (await contestant.processes(`sleep ${tag}`)).length > 0; tries++)
      await sleep(50);
    expect(await contestant.processes(`sleep ${tag}`)).toEqual([]);
  };

  it('lets people in beside a command, into its directory, at a terminal', async () => {
    await using session = await open();
    if (session.door === undefined) return expect(contestant.name).toMatch(/ssh/);
    const door = await session.door(never);
    const [stdout, ended] = await running(session, 'echo ready; until [ -e go ]; do sleep 0.05; done; cat go; exit 3');
    const { type, screen, terminal } = visitor();
    const left = door({ env: { V: `it's "here" \\ $x ☃` }, terminal }, never);
    type('test -t 0 && test -t 2 && stty size; echo "V=$V."; echo "$PWD" >go.tmp; mv go.tmp go; exit 5\r');
    expect(await left).toEqual({ kind: 'code', code: 5 });
    expect(screen.text()).toContain(`V=it's "here" \\ $x ☃.`);
    expect(screen.text()).toContain('24 80');
    expect(await ended).toMatchObject({ kind: 'code', code: 3 });
    expect(stdout.text()).toBe(`ready\n${session.directory}\n`);
  });

  it('ends all that one has started when he is gone, nothing else, and lets the next one in', async () => {
    await using session = await open();
    if (session.door === undefined) return;
    const tag = `6${Math.floor(Math.random() * 1e8)}`;
    const door = await session.door(never);
    const [, ended] = await running(session, 'trap "" HUP; echo ready; until [ -e go ]; do sleep 0.05; done');
    const gone = new AbortController();
    const first = visitor();
    const left = door({ env: {}, terminal: first.terminal }, gone.signal);
    first.type(
      `trap "" HUP TERM; (trap "" HUP TERM; exec sleep ${tag}) & sleep ${tag} & echo up-$((1 + 1)); nohup sleep ${tag}\r`,
    );
    await first.screen.says('up-2');
    gone.abort();
    await left;
    await isGone(tag);
    const second = visitor();
    const next = door({ env: {}, terminal: second.terminal }, never);
    second.type('touch go; exit\r');
    await next;
    expect(await ended).toEqual({ kind: 'code', code: 0 });
  });

  it('lets somebody stay from one command to the next, and ends him with the session at last', async () => {
    const tag = `5${Math.floor(Math.random() * 1e8)}`;
    const { type, screen, terminal } = visitor();
    let left: Promise<unknown>;
    {
      await using session = await open();
      if (session.door === undefined) return;
      const door = await session.door(never);
      left = door({ env: {}, terminal }, never);
      type('echo in-$((1 + 1))\r');
      await screen.says('in-2');
      const [stdout, ended] = await running(session, 'echo ready; exit 0');
      await ended;
      type(`echo still-$((1 + 1)); sleep ${tag}\r`);
      await screen.says('still-2');
      expect(stdout.text()).toBe('ready\n');
    }
    await left.catch(() => {});
    await isGone(tag);
  });
}
