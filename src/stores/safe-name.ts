import { createHash } from 'node:crypto';

const plain = /^[a-z0-9][a-z0-9._-]{0,79}$/;
const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;

/**
 * A file name for any text: short lower-case names stay as they are, others get what is readable of them and a hash
 * after `~`. Never empty, hidden, with a slash, or the same for two texts, also where case does not count.
 */
export function safeName(text: string): string {
  if (plain.test(text) && !reserved.test(text) && !text.endsWith('.')) return text;
  const readable = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 60);
  return `${readable === '' ? 'x' : readable}~${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
