import { SystemError } from '../../model/outcome.ts';
import { type SshTarget, targetText } from './ssh-target.ts';

/** Why there is no connection, and what to do. */
export interface ConnectTrouble {
  /** A machine that says no says it again: is another try worth it? */
  readonly again: 'may help' | 'is useless';
  readonly error: SystemError;
}

interface Row {
  readonly pattern: RegExp;
  readonly again: ConnectTrouble['again'];
  readonly what: string;
  hint(target: SshTarget): string;
}

const keyscan = ({ host, port }: SshTarget): string => `ssh-keyscan ${port === undefined ? '' : `-p ${port} `}${host}`;

const rows: readonly Row[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    again: 'is useless',
    what: 'its host key is another one than in the file of known hosts',
    hint: () => 'somebody may be listening; if the machine was set up anew, remove its old key by `ssh-keygen -R`',
  },
  {
    pattern: /Host key verification failed|host key is known for/,
    again: 'is useless',
    what: 'its host key is not known',
    hint: (target) =>
      `compare the output of \`${keyscan(target)}\` with the machine's key and add it to the file of known hosts`,
  },
  {
    pattern: /Permission denied|Too many authentication failures|No more authentication methods/,
    again: 'is useless',
    what: 'it does not let us in',
    hint: ({ password, identityFile }) =>
      password !== undefined
        ? 'look at user and password'
        : identityFile !== undefined
          ? `is the public key of ${identityFile} in the user's authorized_keys there?`
          : 'name a private key by identity_file, or start an ssh agent that has one',
  },
  {
    pattern: /Could not resolve hostname/,
    again: 'may help',
    what: 'no machine has this name',
    hint: () => 'look at the name of the host',
  },
  {
    pattern: /Connection refused/,
    again: 'may help',
    what: 'no ssh server answers there',
    hint: () => 'look at host and port, and whether sshd runs',
  },
  {
    pattern: /timed out|No route to host|Network is unreachable/i,
    again: 'may help',
    what: 'it does not answer',
    hint: () => 'look at host and port, and at firewalls',
  },
];

/** @param said what `ssh` wrote to standard error. */
export function connectTrouble(target: SshTarget, said: string): ConnectTrouble {
  const row = rows.find(({ pattern }) => pattern.test(said));
  const lines = said.split('\n').map((line) => line.trim());
  const last = lines.filter((line) => line !== '').at(-1);
  const what = row?.what ?? last ?? 'the connection was closed';
  const detail = row === undefined || last === undefined ? '' : ` (${last})`;
  const message = `can't connect to ${targetText(target)} by ssh: ${what}${detail}`;
  const hint = row === undefined ? {} : { hint: row.hint(target) };
  return { again: row?.again ?? 'may help', error: new SystemError('runner_system_failure', message, hint) };
}
