import { createHmac, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import type { RunnerLog } from './runner-log.ts';

/** Where systems say which machine they are. */
const machineIdFiles = ['/var/lib/dbus/machine-id', '/etc/machine-id'];

const form = /^[sr]_[0-9a-zA-Z]{12}$/;

/**
 * The name by which a server tells this machine from others with the same token. It stays in `.runner_system_id` beside
 * the configuration; made from the machine's own id where there is one, so that it is the same after the file is lost.
 * @param given.directory of the configuration; it must exist.
 */
export async function systemId(given: {
  readonly directory: string;
  readonly log: RunnerLog;
  readonly machineIdFiles?: readonly string[];
}): Promise<string> {
  const path = join(given.directory, '.runner_system_id');
  const kept = (await read(path)).trim();
  if (form.test(kept)) return kept;
  const made = await newId(given.machineIdFiles ?? machineIdFiles);
  try {
    await writeFileAtomic(path, made, { mode: 0o600 });
  } catch (error) {
    given.log('warning', "Couldn't save the system id: the server may see a new machine after each start", {
      file: path,
      error: (error as Error).message,
    });
  }
  return made;
}

async function newId(files: readonly string[]): Promise<string> {
  for (const file of files) {
    const machine = (await read(file)).trim();
    if (machine !== '') return `s_${createHmac('sha256', machine).update('gitlab-runner').digest('hex').slice(0, 12)}`;
  }
  return freshSystemId();
}

/** A name for one life of a process, of which nothing is kept. */
export function freshSystemId(): string {
  const letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  return `r_${Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('')}`;
}

/** '' : not there. */
function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
