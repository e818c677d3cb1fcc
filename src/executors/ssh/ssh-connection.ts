import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemError } from '../../model/outcome.ts';
import { deferred } from '../../util/deferred.ts';
import { openProcessStream } from '../../util/process-stream.ts';
import { connectTrouble } from './connect-trouble.ts';
import { keeperProgram, programLine, remoteCommand } from './remote-programs.ts';
import { type SshTarget, sshArguments, sshEnvironment, targetText } from './ssh-target.ts';

/** How the executor gets to the machine. */
export interface SshRoute {
  readonly target: SshTarget;
  /** Absolute path of the program. */
  readonly ssh: string;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of a directory of ours, for sockets; `askpass` in it prints the password. */
  readonly scratch: string;
  /** Where jobs get their directories there: absolute, or relative to the user's home. Absent: one that goes with the last job. */
  readonly root?: string;
  /** Between tries to connect, milliseconds. */
  readonly retryMs: number;
  /** After so long without a word of us the machine there gives the job up, milliseconds. */
  readonly silenceMs: number;
}

/** One connection with what watches over a job's directory at its other end. */
export interface SshConnection {
  /** The job's own directory there, absolute, without links. */
  readonly own: string;
  readonly home: string;
  readonly hostname: string;
  readonly shell: 'bash' | 'sh';
  /** What to start for one more command over the connection; its input begins with a `programLine`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly text: string;
  /** Rejects when the connection breaks; never resolves. */
  readonly broken: Promise<never>;
  /** Resolves when the other end has answered: it still watches over the job. Rejects as `broken`. */
  holds(): Promise<void>;
  /** Lets the other end remove everything; never rejects. */
  close(): Promise<void>;
  /** Drops the connection at once: the other end tidies up by itself. */
  drop(): void;
}

const tries = 3;
/** How long the other end may take to remove a job's files, milliseconds. */
const longestRemovalMs = 60_000;
const defaultRoot = '.ci-jobs';

/**
 * Connects, with three tries where another one may help.
 * @param tell is told of a try that failed.
 * @throws SystemError; the signal's reason.
 */
export async function connectSsh(
  route: SshRoute,
  signal: AbortSignal,
  tell: (line: string) => Promise<void>,
): Promise<SshConnection> {
  for (let tried = 1; ; tried++) {
    signal.throwIfAborted();
    const outcome = await connectOnce(route, signal);
    if ('own' in outcome) return outcome;
    signal.throwIfAborted();
    if (outcome.again === 'is useless' || tried >= tries) throw outcome.error;
    await tell(`${outcome.error.message}; trying again in ${route.retryMs / 1000} s`);
    await sleep(route.retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function connectOnce(
  route: SshRoute,
  signal: AbortSignal,
): Promise<SshConnection | ReturnType<typeof connectTrouble>> {
  const { target, ssh, scratch } = route;
  const id = randomBytes(6).toString('hex');
  const env = sshEnvironment(target, route.env, `${scratch}/askpass`);
  // Relative: paths of sockets may have 107 bytes.
  const common = [...sshArguments(target, `./${id}`), '--', target.host, remoteCommand];
  const mark = randomBytes(12).toString('hex');
  const keeper = openProcessStream({
    argv: [ssh, '-M', '-o', 'ControlPersist=no', '-o', 'LogLevel=ERROR', ...common],
    env,
    directory: scratch,
    failure: (said) => new SshFailed(said),
  });
  const drop = (): void => void keeper.destroy();
  signal.addEventListener('abort', drop, { once: true });
  const isOurs = route.root === undefined;
  keeper.write(
    programLine(keeperProgram, {
      ci_mark: mark,
      ci_root: (route.root ?? defaultRoot).replace(/^~\//, ''),
      ci_name: id,
      ci_silence: String(Math.ceil(route.silenceMs / 1000)),
      ci_keeproot: isOurs ? '' : '1',
    }),
  );
  try {
    const [state = '', hostname = '', own = '', home = ''] = await greeting(keeper, mark);
    if (state.startsWith('error ')) {
      keeper.destroy();
      const message = `${targetText(target)} can't run jobs: ${state.slice('error '.length)}`;
      return { again: 'is useless', error: new SystemError('runner_system_failure', message) };
    }
    const argv = [ssh, '-q', '-o', 'ControlMaster=no', ...common];
    const shell = state === 'ready bash' ? 'bash' : 'sh';
    const words = { own, home, hostname, shell, argv, env, directory: scratch, text: targetText(target) } as const;
    return { ...words, ...watched(keeper, route) };
  } catch (error) {
    keeper.destroy();
    return connectTrouble(target, error instanceof SshFailed ? error.said : (error as Error).message);
  } finally {
    signal.removeEventListener('abort', drop);
  }
}

/** `ssh` ended with an error. */
class SshFailed extends Error {
  readonly said: string;

  constructor(said: string) {
    super('ssh has failed');
    this.said = said;
  }
}

/** The lines of what the other end says first. */
function greeting(keeper: Duplex, mark: string): Promise<readonly string[]> {
  const found = deferred<readonly string[]>();
  let text = '';
  const listen = (chunk: Uint8Array): void => {
    text += Buffer.from(chunk).toString();
    const lines = text.slice(text.indexOf(mark) + mark.length).split('\n');
    const isWhole = text.includes(mark) && lines.length > (lines[0]?.startsWith('error ') ? 1 : 4);
    if (!isWhole) return;
    keeper.off('data', listen);
    found.resolve(lines);
  };
  keeper.on('data', listen);
  keeper.once('error', (error: Error) => {
    const isSilent = error instanceof SshFailed && error.said.trim() === '';
    found.reject(isSilent ? new SshFailed(printable(text)) : error);
  });
  // An account that may not log in has a shell that says so, and ends.
  const ended = (): void => found.reject(new SshFailed(printable(text) || 'the connection was closed'));
  keeper.once('end', ended);
  keeper.once('close', ended);
  return found.promise;
}

/** The last words of a machine that is not trusted with our terminal. */
function printable(text: string): string {
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  return last.replace(/[^\P{C}]/gu, '').slice(0, 200);
}

/** Keeps the other end awake, and notices the end of the connection. */
function watched(
  keeper: Duplex,
  { silenceMs, target }: SshRoute,
): Pick<SshConnection, 'broken' | 'holds' | 'close' | 'drop'> {
  const broken = deferred<never>();
  broken.promise.catch(() => {});
  const gone = deferred();
  const beat = setInterval(() => keeper.write('\n'), silenceMs / 4);
  beat.unref();
  keeper.on('error', () => {});
  // Somebody has to take what comes, or the end would not. It may end by itself: it has heard nothing for too long.
  keeper.resume();
  keeper.once('end', () => keeper.destroy());
  keeper.once('close', () => {
    clearInterval(beat);
    gone.resolve();
    broken.reject(
      new SystemError('runner_system_failure', `the ssh connection to ${targetText(target)} broke`, {
        hint: 'the machine there ends the job by itself',
      }),
    );
  });
  return {
    broken: broken.promise,
    holds: async () => {
      const answered = deferred();
      keeper.once('data', () => answered.resolve());
      keeper.write('?\n');
      await Promise.race([answered.promise, broken.promise]);
    },
    drop: () => void keeper.destroy(),
    close: async () => {
      clearInterval(beat);
      const late = setTimeout(() => keeper.destroy(), longestRemovalMs);
      keeper.end();
      await gone.promise;
      clearTimeout(late);
    },
  };
}
