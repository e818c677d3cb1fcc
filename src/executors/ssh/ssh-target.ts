/** The machine that jobs run on, and how to get in. */
export interface SshTarget {
  /** A name, an address, or a `Host` of the user's `ssh_config`. */
  readonly host: string;
  /** Absent: what `ssh_config` says, else 22. */
  readonly port?: number;
  /** Absent: what `ssh_config` says, else this user's name. */
  readonly user?: string;
  /** Handed to `ssh` by a helper, never by its arguments. */
  readonly password?: string;
  /** Absolute path of a private key. */
  readonly identityFile?: string;
  /** Absolute path; absent: the user's own. */
  readonly knownHostsFile?: string;
  /** `off`: whoever answers at the address is taken for the host. */
  readonly hostKeys: 'strict' | 'off';
}

/** Name of the variable in which the helper finds the password. */
export const passwordVariable = 'CI_SSH_PASSWORD';

/** Prints the password when `ssh` asks. */
export const askpassScript = `#!/bin/sh\nprintf '%s\\n' "$${passwordVariable}"\n`;

/**
 * Arguments of every `ssh` to a target. What `ssh_config` says counts below them, but for what would run commands here,
 * or let the other machine use something of this one.
 */
export function sshArguments(target: SshTarget, socket: string): readonly string[] {
  const { password, identityFile, knownHostsFile } = target;
  const options = [
    `ControlPath=${socket}`,
    `BatchMode=${password === undefined ? 'yes' : 'no'}`,
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    ...(target.hostKeys === 'strict'
      ? ['StrictHostKeyChecking=yes']
      : ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'GlobalKnownHostsFile=/dev/null']),
    ...(target.hostKeys === 'strict' && knownHostsFile !== undefined
      ? [`UserKnownHostsFile=${quoted(knownHostsFile)}`]
      : []),
    ...(password === undefined ? [] : ['NumberOfPasswordPrompts=1']),
    ...(identityFile === undefined ? [] : ['IdentitiesOnly=yes', `IdentityFile=${quoted(identityFile)}`]),
    ...(password !== undefined && identityFile === undefined
      ? ['PreferredAuthentications=password,keyboard-interactive', 'PubkeyAuthentication=no']
      : []),
  ];
  return [
    ...['-T', '-a', '-x'],
    ...options.flatMap((option) => ['-o', option]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
  ];
}

/** What `ssh` needs of the environment to get in. @param askpass absolute path of the helper. */
export function sshEnvironment(
  target: SshTarget,
  env: Readonly<Record<string, string>>,
  askpass: string,
): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SSH_AUTH_SOCK', 'XDG_RUNTIME_DIR', 'TMPDIR'];
  const own = Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  if (target.password === undefined) return { ...own, LC_ALL: 'C' };
  return {
    ...own,
    LC_ALL: 'C',
    SSH_ASKPASS: askpass,
    SSH_ASKPASS_REQUIRE: 'force',
    // Older ones ask a helper only where there is a display.
    DISPLAY: own['DISPLAY'] ?? ':0',
    [passwordVariable]: target.password,
  };
}

/** `USER@HOST:PORT`, as far as it is given. */
export function targetText({ user, host, port }: SshTarget): string {
  return `${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`;
}

/** As a value of `ssh_config`, with its signs for users and variables taken literally. */
function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
