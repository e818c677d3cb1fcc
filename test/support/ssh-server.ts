import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { SshTarget } from '../../src/executors/ssh/ssh-target.ts';

const program = '/usr/sbin/sshd';

/** Is there a server to test with? */
export const hasSshServer = existsSync(program) && (process.getuid?.() === 0 || existsSync('/run/sshd'));

export interface SshServer extends AsyncDisposable {
  /** `ssh -F …` with the key and the host's key of this server, for GIT_SSH_COMMAND. */
  readonly command: string;
  readonly user: string;
  readonly port: number;
  /** For the executor. */
  readonly target: SshTarget;
}

/**
 * Starts an sshd of our own on the loopback address, which lets one key in as ourselves; all below `folder`.
 * @param more lines of its settings; they count before ours.
 * @param mounts commands that change what it sees of the machine, and nobody else.
 */
export async function startSshServer(
  folder: string,
  more: readonly string[] = [],
  mounts?: string,
): Promise<SshServer> {
  mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const port = await freePort();
  const { username } = userInfo();
  writeFileSync(join(folder, 'keys'), readFileSync(join(folder, 'user.pub')));
  const settings = [
    ...more,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'keys')}`,
    `PidFile ${join(folder, 'pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
  ];
  writeFileSync(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
  chmodSync(join(folder, 'host'), 0o600);
  const argv = [program, '-D', '-e', '-f', join(folder, 'sshd_config')];
  const [file = '', ...rest] =
    mounts === undefined ? argv : ['unshare', '-m', 'sh', '-ec', `${mounts}\nexec "$@"`, 'sh', ...argv];
  const server = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let told = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (told.includes('Server listening')) resolve();
    });
    server.once('exit', () => reject(new Error(`sshd did not start: ${told}`)));
  });
  const [type = '', key = ''] = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ');
  writeFileSync(join(folder, 'known'), `[127.0.0.1]:${port} ${type} ${key}\n`);
  const options = [`-i ${join(folder, 'user')}`, `-o UserKnownHostsFile=${join(folder, 'known')}`];
  return {
    port,
    user: username,
    target: {
      host: '127.0.0.1',
      port,
      user: username,
      identityFile: join(folder, 'user'),
      knownHostsFile: join(folder, 'known'),
      hostKeys: 'strict',
    },
    command: `ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes ${options.join(' ')}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.removeAllListeners('exit');
        server.once('exit', () => resolve());
        server.kill('SIGTERM');
      }),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}
