import { readFileSync, realpathSync } from 'node:fs';
import { errorCode } from './files/file-problem.ts';
import { startProcess } from './process.ts';

/** What `mount` and `umount` are started with. */
export type MountEnvironment = Readonly<Record<string, string>>;

/** Their programs are looked for in the system's directories first. @param path the user's `PATH`. */
export function mountEnvironment(path: string): MountEnvironment {
  const directories = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', ...path.split(':')].filter((one) =>
    one.startsWith('/'),
  );
  return { PATH: directories.join(':'), LC_ALL: 'C' };
}

/** Unmounts several at once. */
export async function unmountAll(targets: readonly string[], env: MountEnvironment): Promise<void> {
  const { failure } = await tryProgram(['umount', ...targets], env);
  if (failure === undefined) return;
  // Somebody's shell may be in it: out of sight now, gone when he leaves.
  const left = new Set(mountPoints());
  const busy = targets.filter((target) => left.has(realPath(target)));
  if (busy.length > 0) await tryProgram(['umount', '-l', ...busy], env);
}

/** Unmounts what a process that was killed left mounted below a directory. */
export async function unmountBelow(directory: string, path: string): Promise<void> {
  const left = mountsBelow(directory);
  if (left.length > 0) await tryProgram(['umount', '-l', ...left], mountEnvironment(path));
}

/** What is mounted below a directory: absolute paths. */
export function mountsBelow(directory: string): readonly string[] {
  return mountPoints().filter((point) => point.startsWith(`${realPath(directory)}/`));
}

/** As the table of mounts has it: without symbolic links. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return path;
  }
}

/** Absolute paths at which something is mounted; none where the system can't tell. */
function mountPoints(): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line.split(' ')[4]!.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

/** Runs a short program; what it said when it failed. @throws bugs of ours only. */
export async function tryProgram(
  argv: readonly string[],
  env: MountEnvironment,
  directory = '/',
): Promise<{ readonly failure: string | undefined }> {
  let said = '';
  const take = async (bytes: Uint8Array): Promise<void> => {
    said += Buffer.from(bytes).toString();
  };
  try {
    const [file, ...args] = argv;
    const running = await startProcess({ file: file!, args, directory, env, stdin: '', stdout: take, stderr: take });
    const end = await running.ended;
    if (end.kind === 'code' && end.code === 0) return { failure: undefined };
    return { failure: said.trim().split('\n')[0] || `${file} failed` };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { failure: (error as Error).message };
  }
}
