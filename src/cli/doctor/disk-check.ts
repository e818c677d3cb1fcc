import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { formatBytes } from '../../util/byte-size.ts';
import type { Check, Finding } from './check.ts';

/** Less than this is not enough for a run, or soon will not be. */
const tooFewBytes = 64 * 2 ** 20;
const fewBytes = 2 * 2 ** 30;
const tooFewInodes = 1000;
const fewInodes = 50_000;

interface Place {
  readonly name: string;
  readonly path: string;
  /** Of the path, or of what of it is there. */
  readonly isWritable: boolean;
  readonly freeBytes: number;
  /** Undefined where the file system has no fixed number of them. */
  readonly freeInodes: number | undefined;
  readonly device: number;
}

/** Can we write where runs, caches and temporary files go, and is there room? */
export const diskCheck: Check = {
  id: 'disk',
  look: ({ locations: { cache, state, runtime } }) => {
    const paths = { cache, state, runtime, temporary: tmpdir() };
    const places = Object.entries(paths).map(([name, path]) => placeAt(name, path));
    const findings = places.map(judge);
    const worst = findings.find(({ status }) => status === 'fail') ?? findings.find(({ status }) => status === 'warn');
    const message = findings.map(({ message: line }) => line).join('\n');
    const details = { places: places.map(({ device: _, ...place }) => place) };
    return { ...(worst ?? { status: 'ok' }), message, details };
  },
};

function placeAt(name: string, path: string): Place {
  let there = path;
  while (!existsSync(there) && there !== dirname(there)) there = dirname(there);
  const { bavail, bsize, files, ffree } = statfsSync(there);
  let isWritable = statSync(there).isDirectory();
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch {
    isWritable = false;
  }
  const freeInodes = files === 0 ? undefined : ffree;
  return { name, path, isWritable, freeBytes: bavail * bsize, freeInodes, device: statSync(there).dev };
}

function judge({ name, path, isWritable, freeBytes, freeInodes }: Place): Finding {
  const inodes = freeInodes === undefined ? '' : `, ${freeInodes.toLocaleString('en')} files`;
  const line = `${name} ${path}: ${formatBytes(freeBytes)} free${inodes}`;
  if (!isWritable) {
    const fix = `make ${path} a directory that you can write to, or name another one with CI_CLI_HOME`;
    return { status: 'fail', message: `${line}, can't be written to`, fix };
  }
  const fix = `free some room, \`ci clean --all\` removes what ci keeps; \`docker system df\` shows what images take`;
  if (freeBytes < tooFewBytes || (freeInodes ?? fewInodes) < tooFewInodes)
    return { status: 'fail', message: line, fix };
  if (freeBytes < fewBytes || (freeInodes ?? fewInodes) < fewInodes) return { status: 'warn', message: line, fix };
  return { status: 'ok', message: line };
}
