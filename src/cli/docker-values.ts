import type { Device, GpuRequest, Ulimit, Volume } from '../executors/docker/container-options.ts';
import type { PullPolicy } from '../model/pipeline.ts';

// Each reader takes a value of a settings file, and gives undefined for one that does not fit.

/** `512m`, `1.5g`, `1024`: bytes. */
export function readBytes(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value > 0 ? value : undefined;
  const found = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(value.trim()) : null;
  if (found === null) return undefined;
  const bytes = Math.round(Number(found[1]) * 1024 ** 'bkmgt'.indexOf((found[2] || 'b').toLowerCase()));
  return bytes > 0 ? bytes : undefined;
}

/** No engine starts a container with less. */
const leastMemoryBytes = 6 * 1024 * 1024;

/** As `readBytes`, but enough for a container. */
export function readMemory(value: unknown): number | undefined {
  const bytes = readBytes(value);
  return bytes !== undefined && bytes >= leastMemoryBytes ? bytes : undefined;
}

/** How many CPUs, at least the hundredth that engines can divide one into. */
export function readCpus(value: unknown): number | undefined {
  const cpus = readDecimal(value);
  return cpus !== undefined && cpus >= 0.01 ? cpus : undefined;
}

/** As `readBytes`, or -1 for any amount. */
export function readBytesOrAny(value: unknown): number | undefined {
  return value === -1 || value === '-1' ? -1 : readBytes(value);
}

/** A number above 0, as a number or a text. */
export function readDecimal(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined;
}

/** A whole number that is not too small. */
export function readCount(value: unknown, least: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= least ? value : undefined;
}

/** A value of a settings file that is true or false; undefined for anything else, also for texts like `"yes"`. */
export function readBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** A text that the pattern is found in; default: not blank. */
export function readText(value: unknown, pattern = /\S/): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}

/** A list of such texts. */
export function readTexts(value: unknown, pattern = /\S/): readonly string[] | undefined {
  return mapAll(value, (each) => readText(each, pattern));
}

/** When images are pulled: one policy, or several that are tried in order. */
export function readPulls(value: unknown): readonly PullPolicy[] | undefined {
  const found = readTexts(typeof value === 'string' ? [value] : value, /^(always|if-not-present|never)$/);
  return found === undefined || found.length === 0 ? undefined : ([...new Set(found)] as PullPolicy[]);
}

/** `CAP_NET_ADMIN` and `net_admin` mean `NET_ADMIN`. */
export function readCapabilities(value: unknown): readonly string[] | undefined {
  return readTexts(value, /^\w+$/)?.map((name) => name.toUpperCase().replace(/^CAP_/, ''));
}

/** A table of texts; numbers and booleans count as texts. */
export function readTable(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const texts: Record<string, string> = {};
  for (const [name, each] of Object.entries(value)) {
    if (!['string', 'number', 'boolean'].includes(typeof each)) return undefined;
    texts[name] = String(each);
  }
  return texts;
}

/** A table whose keys are absolute paths. */
export function readPaths(value: unknown): Readonly<Record<string, string>> | undefined {
  const table = readTable(value);
  return table !== undefined && Object.keys(table).every((path) => path.startsWith('/')) ? table : undefined;
}

/** Seconds as milliseconds; -1 counts as 0. */
export function readSeconds(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < -1) return undefined;
  return Math.max(0, value) * 1000;
}

/** True, or the path of a socket. */
export function readSocket(value: unknown): true | string | undefined {
  return value === true ? true : readText(value, /^\//);
}

/** Source: https://man7.org/linux/man-pages/man2/getrlimit.2.html */
const ulimitNames: readonly string[] =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

/** `{ nofile = "1024:2048", nproc = 64 }`; -1 is above every number. */
export function readUlimits(value: unknown): readonly Ulimit[] | undefined {
  const table = readTable(value);
  if (table === undefined) return undefined;
  return mapAll(Object.entries(table), ([name, text]: [string, string]) => {
    const found = /^(-1|\d+)(?::(-1|\d+))?$/.exec(text);
    if (found === null || !ulimitNames.includes(name)) return undefined;
    const [soft, hard] = [Number(found[1]), Number(found[2] ?? found[1])];
    return hard >= 0 && (soft < 0 || soft > hard) ? undefined : { name, soft, hard };
  });
}

/** `/dev/kvm`, `/dev/kvm:r`, `/dev/a:/dev/b`, `/dev/a:/dev/b:rw`. */
export function readDevices(value: unknown): readonly Device[] | undefined {
  return mapAll(value, (each) => {
    const found = /^(\/[^:]+)(?::(\/[^:]+))?(?::([rwm]+))?$/.exec(readText(each) ?? '');
    if (found === null) return undefined;
    const [, onHost = '', inContainer = onHost, permissions = 'rwm'] = found;
    return { onHost, inContainer, permissions };
  });
}

/** Such lists by patterns of images. */
export function readDevicesByImage(value: unknown): Readonly<Record<string, readonly Device[]>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const found = Object.entries(value).map(([pattern, devices]) => [pattern, readDevices(devices)] as const);
  return found.some(([, devices]) => devices === undefined)
    ? undefined
    : (Object.fromEntries(found) as Record<string, readonly Device[]>);
}

/** What of a container its log names beside each line; other options could lead logs astray, as with GitLab Runner. */
export function readLogOptions(value: unknown): Readonly<Record<string, string>> | undefined {
  const table = readTable(value);
  return table !== undefined && Object.keys(table).every((name) => name === 'env' || name === 'labels')
    ? table
    : undefined;
}

/** `/path`, `name:/path`, `/host/path:/path:ro`. */
export function readVolumes(value: unknown): readonly Volume[] | undefined {
  return mapAll(value, (each): Volume | undefined => {
    const found = /^(?:(\/[^:]*|[A-Za-z0-9][\w.-]+):)?(\/[^:]*)(?::([^/:]+))?$/.exec(readText(each) ?? '');
    if (found === null) return undefined;
    const [, source, target = '', mode] = found;
    if (source === undefined) return mode === undefined ? { kind: 'own', target } : undefined;
    const kind = source.startsWith('/') ? 'host' : 'named';
    return { kind, source, target, ...(mode === undefined ? {} : { mode }) };
  });
}

const gpuFields: readonly string[] = ['device', 'count', 'driver', 'capabilities'];

/** `all`, `2`, `device=0,1`, `driver=nvidia,count=1,capabilities=utility`: as `docker run --gpus`. */
export function readGpus(value: unknown): GpuRequest | undefined {
  const text = (typeof value === 'number' ? String(value) : readText(value))?.replaceAll(/["'\s]/g, '');
  if (text === undefined) return undefined;
  const fields = new Map<string, string[]>();
  let latest: string[] | undefined;
  for (const word of (/^(all|\d+)$/.test(text) ? `count=${text}` : text).split(',')) {
    const [name = '', first] = word.split('=');
    if (first === undefined) latest?.push(name);
    else {
      latest = [first];
      fields.set(name, latest);
    }
  }
  const count = fields.get('count')?.[0] ?? 'all';
  const isKnown = fields.size > 0 && [...fields.keys()].every((name) => gpuFields.includes(name));
  if (!isKnown || !/^(all|[1-9]\d*)$/.test(count)) return undefined;
  const [driver, ids] = [fields.get('driver')?.[0], fields.get('device')];
  return {
    count: count === 'all' ? -1 : Number(count),
    ...(driver === undefined ? {} : { driver }),
    ...(ids === undefined ? {} : { ids }),
    capabilities: [...new Set(['gpu', ...(fields.get('capabilities') ?? [])])],
  };
}

/** All of a list, or undefined if one does not fit. */
function mapAll<I, O extends object | string>(
  value: unknown,
  read: (each: I) => O | undefined,
): readonly O[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const found = (value as readonly I[]).map(read);
  return found.includes(undefined) ? undefined : (found as readonly O[]);
}
