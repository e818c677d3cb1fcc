import { Agent, type AgentOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { openProcessStream } from '../../util/process-stream.ts';
import { quote } from '../preamble.ts';
import type { EngineAddress } from './engine-address.ts';

/** A server takes only so many connections that have not logged in yet; more of ours wait. */
const connectingAtOnce = 4;

/**
 * Makes an HTTP agent whose connections are `ssh` programs that run `docker system dial-stdio` on the other side, as
 * those of the docker command. The user's own `ssh` is started: so configuration, keys, agent, known hosts and jump
 * hosts are as he has them. It never asks anything: passwords and unknown hosts fail with a word on what to do.
 */
export function sshAgent(address: EngineAddress & { readonly kind: 'ssh' }): Agent {
  const argv = sshCommand(address);
  const failure = (said: string): Error => new Error(sshReason(address, said));
  const waiting: (() => void)[] = [];
  let connecting = 0;
  const connect = (done: (error: Error | null, stream?: Duplex) => void): void => {
    connecting++;
    const stream = openProcessStream({ argv, env: address.environment, failure });
    let isConnected = false;
    const connected = (): void => {
      if (isConnected) return;
      isConnected = true;
      connecting--;
      waiting.shift()?.();
    };
    // The first answer tells that it is logged in.
    stream.once('readable', connected);
    stream.once('close', connected);
    done(null, stream);
  };
  const createConnection = (_: AgentOptions, done: (error: Error | null, stream?: Duplex) => void): undefined => {
    if (connecting < connectingAtOnce) connect(done);
    else waiting.push(() => connect(done));
  };
  return Object.assign(new Agent({ keepAlive: true, scheduling: 'lifo' }), { createConnection });
}

/** `--` ends the options: a host can't be one. What follows it a shell on the other side reads. */
function sshCommand({ host, port, user, socket }: EngineAddress & { readonly kind: 'ssh' }): readonly string[] {
  return [
    'ssh',
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
    'docker',
    ...(socket === undefined ? [] : ['--host', quote(`unix://${socket}`)]),
    ...['system', 'dial-stdio'],
  ];
}

function sshReason({ host, user, port }: EngineAddress & { readonly kind: 'ssh' }, said: string): string {
  const byHand = `ssh ${port === undefined ? '' : `-p ${port} `}${user === undefined ? '' : `${user}@`}${host}`;
  const lines = said.split('\n').map((line) => line.trim());
  const last = lines.filter((line) => line !== '').at(-1) ?? 'ssh ended without a word';
  if (/Host key verification failed|REMOTE HOST IDENTIFICATION/.test(said)) {
    return /IDENTIFICATION HAS CHANGED/.test(said)
      ? `the host key has changed, so ssh refuses to connect; look at what \`${byHand}\` says`
      : `ssh does not know the host's key yet: connect once by hand with \`${byHand}\``;
  }
  if (/Permission denied \(/.test(said)) return `${last} Passwords are not asked for: try \`${byHand}\`, ssh-add helps`;
  if (/docker: (command )?not found|docker: No such file/.test(said))
    return `there is no program \`docker\` on ${host}`;
  return last;
}
