import { sha256 as hash } from '@noble/hashes/sha2.js';

/**
 * SHA-256 of a short text in UTF-8, as 64 hexadecimal digits. For names that every run needs: `node:crypto` does the same, and
 * loading it takes a twentieth of a small run.
 */
export function sha256(text: string): string {
  return Buffer.from(hash(Buffer.from(text))).toString('hex');
}
