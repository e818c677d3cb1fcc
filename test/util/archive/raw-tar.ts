/** One entry of a hand-made archive, valid or not. */
export interface RawEntry {
  readonly name: string;
  /** Tar's type flag: `0` file, `1` hard link, `2` symbolic link, `5` directory … */
  readonly flag?: string;
  readonly link?: string;
  readonly content?: string;
  /** The size field as it is written, when it does not tell the content's. */
  readonly size?: Buffer;
  readonly mode?: number;
  /** PAX records put before the entry. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** Builds an archive without any of the checks of a real packer. */
export function rawTar(entries: readonly RawEntry[], end: 'end mark' | 'no end mark' = 'end mark'): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    if (entry.pax) {
      const records = Object.entries(entry.pax).map(([key, value]) => paxRecord(key, value));
      blocks.push(...blocksOf({ name: 'PaxHeader', flag: 'x', content: records.join('') }));
    }
    blocks.push(...blocksOf(entry));
  }
  if (end === 'end mark') blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body);
  while (Buffer.byteLength(`${length}${body}`) !== length) length = Buffer.byteLength(`${length}${body}`);
  return `${length}${body}`;
}

function blocksOf(entry: RawEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '');
  const header = Buffer.alloc(512);
  header.write(entry.name.slice(0, 100), 0);
  header.write(`${(entry.mode ?? 0o644).toString(8).padStart(6, '0')} \0`, 100);
  header.write('000000 \0', 108);
  header.write('000000 \0', 116);
  if (entry.size) entry.size.copy(header, 124);
  else header.write(`${content.length.toString(8).padStart(11, '0')} `, 124);
  header.write('00000001750 ', 136);
  header.write('        ', 148);
  header.write(entry.flag ?? '0', 156);
  if (entry.link !== undefined) header.write(entry.link.slice(0, 100), 157);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}
