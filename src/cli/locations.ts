import { homedir, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** Where `ci` keeps its things on this machine. All absolute; none need exist. */
export interface Locations {
  readonly config: string;
  /** Caches of jobs and snapshots of trees: may be deleted at any time. */
  readonly cache: string;
  /** Runs with their logs and artifacts. */
  readonly state: string;
  /** Locks, sockets, directories of running jobs. */
  readonly runtime: string;
}

/**
 * Follows the XDG base directory specification; `CI_CLI_HOME` overrides all four.
 * Relative XDG paths are ignored, as the specification says.
 */
export function findLocations(env: Readonly<Record<string, string | undefined>>): Locations {
  const override = env['CI_CLI_HOME'];
  if (override) {
    const home = resolve(override);
    return {
      config: join(home, 'config'),
      cache: join(home, 'cache'),
      state: join(home, 'state'),
      runtime: join(home, 'runtime'),
    };
  }
  const home = env['HOME'] || homedir();
  const base = (name: string, fallback: string): string => {
    const value = env[name];
    return join(value?.startsWith('/') ? value : fallback, 'ci');
  };
  return {
    config: base('XDG_CONFIG_HOME', join(home, '.config')),
    cache: base('XDG_CACHE_HOME', join(home, '.cache')),
    state: base('XDG_STATE_HOME', join(home, '.local', 'state')),
    runtime: base('XDG_RUNTIME_DIR', join(tmpdir(), `ci-${userInfo().uid}`)),
  };
}
