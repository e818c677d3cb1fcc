import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { SystemError } from '../../model/outcome.ts';
import { packTree } from '../../util/archive/pack-tree.ts';
import type { ArchiveSource } from '../archive-source.ts';
import type { SessionFiles } from '../executor.ts';
import { alternatesPath, sharedObjects } from '../git-objects.ts';
import { takeFiles } from '../take-files.ts';
import { exchanged, openExchange } from './remote-exchange.ts';
import type { SshConnection } from './ssh-connection.ts';

/** Files of a session on another machine, by its `tar`. */
export function sshFiles(
  connection: SshConnection,
  directory: string,
  refuses?: (at: string) => string | undefined,
): SessionFiles {
  const absolute = (path: string): string => posix.resolve(directory, path);
  const unpack = async (input: Readable, at: string, signal: AbortSignal): Promise<void> => {
    await exchanged(connection, {
      doing: `put files into ${at}`,
      program: 'mkdir -p -- "$ci_at" && cd -- "$ci_at" && exec tar -xpof -',
      variables: { ci_at: at, LC_ALL: 'C' },
      input,
      signal,
    });
  };
  const write = async (path: string, content: Uint8Array, mode: number): Promise<void> => {
    await exchanged(connection, {
      doing: `write ${path}`,
      program: [
        'mkdir -p -- "${ci_at%/*}/" || exit 1',
        'new=$ci_at.ci-$$',
        '(umask 077; cat > "$new") && chmod "$ci_mode" "$new" && mv -f -- "$new" "$ci_at" && exit 0',
        'rm -f -- "$new"; exit 1',
      ].join('\n'),
      variables: { ci_at: absolute(path), ci_mode: mode.toString(8) },
      input: content,
    });
  };
  const read = (path: string, maxBytes: number) => readFile(connection, absolute(path), maxBytes);
  const source: ArchiveSource = {
    directory,
    read,
    open: (path, signal) => openArchive(connection, path, signal),
    failure: (error) =>
      error instanceof SystemError
        ? error
        : new SystemError(
            'runner_system_failure',
            `can't take files of ${connection.text}: ${(error as Error).message}`,
          ),
  };
  return {
    ...(refuses === undefined ? {} : { refuses: async (at: string) => refuses(absolute(at)) }),
    put: async (tree, at, signal) => {
      signal.throwIfAborted();
      const target = absolute(at);
      await unpack(packTree(tree, { signal }), target, signal);
      if (tree.entries !== undefined) return;
      // Objects that the repository here only refers to are not there.
      const shared = await sharedObjects(tree.root);
      for (const root of shared) await unpack(packTree({ root }, { signal }), `${target}/.git/objects`, signal);
      if (shared.length > 0) await write(`${target}/${alternatesPath}`, Buffer.alloc(0), 0o644);
    },
    get: (selection, into, signal) => takeFiles(source, selection, into, signal),
    read,
    write,
  };
}

/** A first byte tells whether it is there. */
async function openArchive(
  connection: SshConnection,
  path: string,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  const archive = openExchange(connection, {
    doing: `take files from ${path}`,
    program: [
      '[ -e "$ci_at" ] || [ -L "$ci_at" ] || { printf n; exit 0; }',
      'printf y',
      'cd -- "${ci_at%/*}/" || exit 1',
      // One: a file changed or could not be read, which is no reason to take nothing.
      'tar -cf - "./${ci_at##*/}"; [ $? -le 2 ]',
    ].join('\n'),
    variables: { ci_at: path, LC_ALL: 'C' },
    signal,
  });
  const first = await firstByte(archive);
  if (first === 'y') return archive;
  archive.destroy();
  return undefined;
}

async function readFile(connection: SshConnection, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const answer = await exchanged(connection, {
    doing: `read ${path}`,
    program: [
      '[ -f "$ci_at" ] || { printf n; exit 0; }',
      '[ "$(wc -c < "$ci_at")" -le "$ci_most" ] || { printf n; exit 0; }',
      'printf y; exec cat < "$ci_at"',
    ].join('\n'),
    variables: { ci_at: path, ci_most: String(maxBytes) },
  });
  return answer[0] === 'y'.charCodeAt(0) && answer.length <= maxBytes + 1 ? answer.subarray(1) : undefined;
}

async function firstByte(stream: Readable): Promise<string> {
  for (;;) {
    const byte = stream.read(1) as Buffer | null;
    if (byte !== null) return byte.toString('latin1');
    if (stream.readableEnded) return '';
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error): void => {
        stream.off('readable', done);
        stream.off('end', done);
        stream.off('error', done);
        if (error instanceof Error) reject(error);
        else resolve();
      };
      stream.once('readable', done);
      stream.once('end', done);
      stream.once('error', done);
    });
  }
}
