/** What a short command printed and how it ended. */
export interface CommandResult {
  /** Exit code; undefined when a signal ended the command. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * How a short command is run: `input` is fed to its standard input, which is empty by default; when the time is over it is
 * ended.
 */
export interface CommandOptions {
  readonly directory?: string;
  /** The complete environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Ends the command when it prints more; default 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * Runs a short command to its end and keeps its output; never through a shell. A result that is no success is no
 * error; a command that can't be started, is aborted, runs out of time or prints too much rejects.
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('runCommand needs a program');
  const { execa } = await import('execa');
  const result = await execa(file, args, {
    env: options.env,
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: options.maxBytes ?? 64 << 20,
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  });
  if (result.isCanceled || result.timedOut || result.isMaxBuffer) throw result;
  if (result.exitCode === undefined && result.signal === undefined) throw result;
  return { code: result.exitCode, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}
