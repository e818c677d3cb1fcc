import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Random bytes of the kernel as hexadecimal digits. For names that every run makes: loading `node:crypto` takes a twentieth of a
 * small run, and is only done where there is no such device.
 */
export function randomHex(bytes: number): string {
  try {
    return fromDevice(bytes);
  } catch {
    return randomBytes(bytes).toString('hex');
  }
}

function fromDevice(bytes: number): string {
  const device = openSync('/dev/urandom', 'r');
  try {
    const found = Buffer.alloc(bytes);
    if (readSync(device, found) !== bytes) throw new Error('too few bytes');
    return found.toString('hex');
  } finally {
    closeSync(device);
  }
}
