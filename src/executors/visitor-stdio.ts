import type { AttachedRequest } from '../util/attached-process.ts';
import type { Visit } from './visit.ts';

/** How a process is attached to a visitor: to this program's terminal, or to his streams. */
export function visitorStdio(by: Visit['by']): AttachedRequest['stdio'] {
  if (by.kind === 'terminal') return 'terminal';
  return {
    stdin: by.input === undefined ? 'empty' : 'ours',
    stdout: (bytes) => by.stdout.write(bytes),
    stderr: (bytes) => by.stderr.write(bytes),
  };
}
