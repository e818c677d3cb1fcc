import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** It is there, and is no file whose content could be read to its end. */
export class NoRegularFile extends Error {}

/**
 * Reads a file that a user has named. Does not wait for somebody to write into a pipe, nor reads a device.
 * @throws Error of the operating system; NoRegularFile saying what it is, or that it is too large.
 */
export function readNamedFile(path: string, maxBytes: number): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw new NoRegularFile('it is a directory');
    if (stat.isFIFO()) throw new NoRegularFile('it is a pipe, no file');
    if (!stat.isFile()) throw new NoRegularFile('it is a device, no file');
    if (stat.size > maxBytes) throw new NoRegularFile(`it is larger than ${maxBytes / 1024 / 1024} MB`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
