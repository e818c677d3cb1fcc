import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** CPU seconds and megabytes of a program's processes. */
export interface Resources {
  readonly cpu: number;
  readonly rss: number;
}

const hasGnuTime = /GNU/.test(spawnSync('/usr/bin/time', ['--version'], { encoding: 'utf8' }).stdout ?? '');

/** The program under GNU time, which asks the kernel about it and all it waited for; without GNU time the program alone. */
export function readResources(argv: readonly string[], file: string): readonly string[] {
  return hasGnuTime ? ['/usr/bin/time', '-q', '-o', file, '-f', '%U %S %M', ...argv] : argv;
}

/** Reads what GNU time wrote; where there is none, looks at /proc now and then while the program runs: without a process to look at there are no figures. */
export function watchResources(pid: number | undefined, file: string): { read(): Resources } {
  if (hasGnuTime) return { read: () => readTimeFile(file) };
  let last: Resources = { cpu: Number.NaN, rss: Number.NaN };
  const look = (): void => {
    last = readProc(pid) ?? last;
  };
  const timer = setInterval(look, 10);
  return {
    read: () => {
      clearInterval(timer);
      return last;
    },
  };
}

function readTimeFile(file: string): Resources {
  const [user = Number.NaN, system = Number.NaN, kibibytes = Number.NaN] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .at(-1)!
    .split(' ')
    .map(Number);
  return { cpu: user + system, rss: (kibibytes * 1024) / 1e6 };
}

/** High-water mark and CPU ticks (a hundredth of a second each) of the process itself and the children it waited for. */
function readProc(pid: number | undefined): Resources | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 15).map(Number);
    const kibibytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
    return { cpu: fields.reduce((sum, ticks) => sum + ticks, 0) / 100, rss: (kibibytes * 1024) / 1e6 };
  } catch {
    return undefined;
  }
}
