import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../../../src/util/find-program.ts';
import { runCommand } from '../../../src/util/process-command.ts';

/** Why there can be no engine of a test's own, or undefined. */
export function noDockerd(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start an engine';
  const missing = ['dockerd', 'openssl', 'ip'].find((name) => findProgram(name, process.env.PATH ?? '') === undefined);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** An engine of the test's own, with its own storage and bridge. */
export interface TestDockerd extends AsyncDisposable {
  readonly process: ChildProcess;
}

async function ip(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand(['ip', ...args], { env: { PATH: process.env.PATH ?? '' } });
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

/** An engine without a bridge removes `docker0`, which another engine of this machine may use. */
async function makeBridge(): Promise<string> {
  const [first, second] = randomBytes(2);
  const name = `ci-t${Buffer.from([first!, second!]).toString('hex')}`;
  await ip('link', 'add', name, 'type', 'bridge');
  await ip('address', 'add', `198.${18 + (first! % 2)}.${second}.1/24`, 'dev', name);
  return name;
}

/**
 * Starts an engine and waits until it says that it listens.
 * @param place an existing folder; what the engine keeps goes below it.
 * @param options where it listens, and its certificates.
 */
export async function startDockerd(place: string, name: string, options: readonly string[]): Promise<TestDockerd> {
  const directory = join(place, name);
  mkdirSync(directory);
  const own = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const bridge = await makeBridge();
  const rules = ['--iptables=false', '--ip6tables=false', '--ip-masq=false'];
  const alone = ['--pidfile', join(directory, 'pid'), `--bridge=${bridge}`, ...rules];
  const child = spawn('dockerd', [...own, ...alone, '--host', `unix://${directory}/docker.sock`, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const listens = new Promise<void>((resolve) => {
    child.stderr!.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      if (said.includes('API listen on')) resolve();
    });
  });
  const gone = once(child, 'exit');
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await gone;
    await ip('link', 'delete', bridge);
    await runCommand(['rm', '-rf', '--one-file-system', directory], { env: { PATH: process.env.PATH ?? '' } });
  };
  const started = await Promise.race([listens.then(() => true), gone.then(() => false), sleep(30_000, false)]);
  if (!started) {
    await dispose();
    throw new Error(`dockerd did not start: ${said.slice(-2000)}`);
  }
  return { process: child, [Symbol.asyncDispose]: dispose };
}
