import type { LogSink } from '../../model/ports.ts';

/** What a container has used since it was started. What its kernel does not count, or does not show, is absent. */
export interface ContainerReading {
  readonly cpuMs?: number;
  /** Memory now, all kinds. */
  readonly memoryBytes?: number;
  /** The most that it was, all kinds. */
  readonly memoryPeakBytes?: number;
  /** The part of the memory that holds content of files and can be taken back. */
  readonly fileCacheBytes?: number;
  /** Processes that the kernel has ended for lack of memory. */
  readonly oomKills?: number;
  /** How often memory was short because of the container's own limit; not of cgroups version 1. */
  readonly limitHits?: number;
  readonly networkReceivedBytes?: number;
  readonly networkSentBytes?: number;
  readonly diskReadBytes?: number;
  readonly diskWrittenBytes?: number;
}

/** Finds what `tellUsage` says in a command's error output, and keeps it from whoever reads that. */
export interface UsageListener {
  /** Stands before the command's own sink. */
  readonly sink: LogSink;
  /** Passes on what was held back; call it when the output is at its end. */
  end(): Promise<ContainerReading | undefined>;
}

/** More than the kernel has to tell; what is longer is no reading. */
const longestRecord = 64 << 10;

/** @param mark random; known to the bootstrap and to no job. */
export function listenForUsage(mark: string, to: LogSink): UsageListener {
  const head = Buffer.from(`\0ci-usage ${mark} `);
  const tail = Buffer.from(`${mark}\n`);
  let held: Buffer = Buffer.alloc(0);
  let told: string | undefined;
  const pass = async (bytes: Buffer): Promise<void> => {
    if (bytes.length > 0) await to.write(bytes);
  };
  return {
    sink: {
      write: async (chunk) => {
        if (told !== undefined) return to.write(chunk);
        const bytes = held.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : join(held, chunk);
        held = Buffer.alloc(0);
        const start = bytes.indexOf(head);
        if (start < 0) {
          const cut = bytes.length - beginLength(bytes, head);
          held = Buffer.from(bytes.subarray(cut));
          return pass(bytes.subarray(0, cut));
        }
        const end = bytes.indexOf(tail, start + head.length);
        if (end >= 0) {
          told = bytes.toString('latin1', start + head.length, end);
          return pass(Buffer.concat([bytes.subarray(0, start), bytes.subarray(end + tail.length)]));
        }
        if (bytes.length - start > longestRecord) return pass(bytes);
        held = Buffer.from(bytes.subarray(start));
        return pass(bytes.subarray(0, start));
      },
      ...(to.flush === undefined ? {} : { flush: () => to.flush!() }),
    },
    end: async () => {
      // A reading that was cut off when the container was killed is nobody's output.
      if (held.indexOf(head) !== 0) await pass(held);
      held = Buffer.alloc(0);
      return told === undefined ? undefined : readRecord(told);
    },
  };
}

function join(held: Buffer, chunk: Uint8Array): Buffer {
  return Buffer.concat([held, chunk]);
}

/** How many bytes at the end of `bytes` may be the begin of `head`, which has its first byte nowhere else. */
function beginLength(bytes: Buffer, head: Buffer): number {
  const at = bytes.lastIndexOf(head[0]!);
  const length = bytes.length - at;
  return at >= 0 && length < head.length && bytes.subarray(at).equals(head.subarray(0, length)) ? length : 0;
}

/** Reads the lines of the kernel's files, each with the kind that `tellUsage` wrote before it. */
export function readRecord(text: string): ContainerReading {
  const lines = text.split(';').map((entry) => entry.trim().split(/\s+/));
  const of = (kind: string): string[][] => lines.filter(([first]) => first === kind).map((words) => words.slice(1));
  const named = (kind: string, name: string): number | undefined => number(of(kind).find(([key]) => key === name)?.[1]);
  const cpuNs = number(of('cpu-ns')[0]?.[0]);
  const cpuUs = named('cpu-us', 'usage_usec');
  const inactive = named('memory', 'total_inactive_file') ?? named('memory', 'inactive_file');
  const active = named('memory', 'total_active_file') ?? named('memory', 'active_file');
  return compact({
    cpuMs: cpuNs === undefined ? cpuUs && cpuUs / 1e3 : cpuNs / 1e6,
    memoryPeakBytes: number(of('peak')[0]?.[0]),
    fileCacheBytes: inactive === undefined || active === undefined ? undefined : inactive + active,
    oomKills: named('kills', 'oom_kill'),
    limitHits: named('kills', 'oom'),
    ...networkOf(of('network')),
    ...diskOf(of('disk')),
  });
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Lines of `/proc/net/dev`: `eth0: received-bytes 7 others sent-bytes …`. What goes on inside the container is left out. */
function networkOf(lines: readonly string[][]): Partial<ContainerReading> {
  const outer = lines.filter(([name]) => name !== undefined && !/^(lo|docker\d+|br-.*|veth.*|virbr\d+):$/.test(name));
  if (lines.length === 0) return {};
  return {
    networkReceivedBytes: sum(outer.map((words) => number(words[1]) ?? 0)),
    networkSentBytes: sum(outer.map((words) => number(words[9]) ?? 0)),
  };
}

/** Version 1: `8:0 Read 4096`; version 2: `8:0 rbytes=4096 wbytes=0 …`. No line: the kernel has not counted anything. */
function diskOf(lines: readonly string[][]): Partial<ContainerReading> {
  if (lines.length === 0) return {};
  const read: number[] = [];
  const written: number[] = [];
  for (const [, ...words] of lines) {
    if (words[0] === 'Read') read.push(number(words[1]) ?? 0);
    else if (words[0] === 'Write') written.push(number(words[1]) ?? 0);
    for (const word of words) {
      const [, side, bytes] = /^([rw])bytes=(\d+)$/.exec(word) ?? [];
      if (side !== undefined) (side === 'r' ? read : written).push(Number(bytes));
    }
  }
  return { diskReadBytes: sum(read), diskWrittenBytes: sum(written) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Without the fields that are undefined. */
export function compact<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
