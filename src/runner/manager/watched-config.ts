import { type ConfigFile, configStamp, readConfigFile } from '../config/config-file.ts';
import type { CheckContainers, SessionServer } from '../config/runner-config.ts';
import type { RunnerLog } from '../runner-log.ts';

/** The configuration as it is now: read again when the file changes. A broken file leaves the last good one in force. */
export class WatchedConfig {
  readonly #read: () => ConfigFile;
  readonly #log: RunnerLog;
  #file: ConfigFile;
  #stamp: string;
  #loaded = 1;
  #failed = 0;

  /**
   * @param variables for `$NAME` in `url` and `token`.
   * @param checkContainers see `readConfig`.
   * @throws ConfigFileError when the file can't be used as it is.
   */
  constructor(
    path: string,
    variables: Readonly<Record<string, string | undefined>>,
    log: RunnerLog,
    checkContainers?: CheckContainers,
  ) {
    this.#log = log;
    this.#read = () => readConfigFile(path, variables, checkContainers);
    this.#file = this.#read();
    this.#stamp = this.#file.stamp;
    this.#tell('Configuration loaded');
  }

  get current(): ConfigFile {
    return this.#file;
  }

  /** How often the file was read, and could not be used. */
  get readings(): { readonly loaded: number; readonly failed: number } {
    return { loaded: this.#loaded, failed: this.#failed };
  }

  /** Reads the file again if it has changed, or in any case. @returns whether what is in force is new. */
  refresh(how: 'if-changed' | 'always'): boolean {
    const stamp = configStamp(this.#file.path);
    if (how === 'if-changed' && stamp === this.#stamp) return false;
    this.#stamp = stamp;
    const { listenAddress, sessionServer } = this.#file.config;
    if (stamp === '' && this.#file.stamp !== '') {
      this.#log('error', `${this.#file.path} is gone; the configuration before this change stays in force`);
      return false;
    }
    try {
      this.#file = this.#read();
      this.#loaded += 1;
    } catch (error) {
      this.#failed += 1;
      this.#log('error', `${(error as Error).message}; the configuration before this change stays in force`);
      return false;
    }
    this.#tell('Configuration reloaded');
    if (this.#file.config.listenAddress !== listenAddress) {
      this.#log('warning', '`listen_address` has changed: that counts from the next start');
    }
    if (addressesOf(this.#file.config.sessionServer) !== addressesOf(sessionServer)) {
      this.#log('warning', 'the addresses of `[session_server]` have changed: that counts from the next start');
    }
    return true;
  }

  #tell(message: string): void {
    const { config, path, warnings } = this.#file;
    this.#log('info', message, { file: path, runners: config.runners.length, concurrent: config.concurrent });
    for (const warning of warnings) this.#log('warning', warning);
  }
}

function addressesOf(server: SessionServer | undefined): string {
  return `${server?.listenAddress} ${server?.advertiseAddress}`;
}
