import { createMasking, defaultTokenPrefixes, type Masker } from '../masking/masker.ts';
import type { MaskingTables } from '../masking/masking-tables.ts';
import type { Emit } from '../model/event.ts';
import type { LogSink, LogStream } from '../model/ports.ts';
import type { Phase } from '../model/step.ts';
import type { Clock } from '../util/clock.ts';

/** A named part of the log. */
export interface Section {
  /** GitLab's stage name. */
  readonly name: string;
  readonly caption: string;
  readonly phase: Phase;
  /** `step`: people see the caption wherever they see output. Absent: it is for the log. */
  readonly level?: 'step';
}

/** Everything that a job writes goes through here: masked, told as events, written into its log. */
export interface JobLog {
  readonly system: LogSink;
  readonly stdout: LogSink;
  readonly stderr: LogSink;
  /** Values that were too short to be masked. */
  readonly refused: readonly string[];
  /** A line of the runner's own, as GitLab Runner colours it. */
  line(text: string): Promise<void>;
  info(text: string): Promise<void>;
  warning(text: string): Promise<void>;
  error(text: string): Promise<void>;
  /** What to do about an error; as visible as that. */
  hint(text: string): Promise<void>;
  /** Hides one more value. */
  hide(secret: string): void;
  /** A text that does not go through the log, with its secrets hidden. */
  masked(text: string): Promise<string>;
  /** Begins a part of the log, after ending the one before. The same section once more: it just goes on. */
  begin(section: Section): Promise<void>;
  /** Ends the section that is open, if there is one. */
  end(): Promise<void>;
  /** Writes what the maskers hold back; resolves when all of the log has arrived. */
  flush(): Promise<void>;
}

/** Where a job's log goes and what is hidden in it. `sink` gets masked bytes, in order. */
export interface JobLogOptions {
  readonly job: string;
  readonly sink: LogSink;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly secrets: Iterable<string>;
  /** Beginnings of tokens that are hidden; default: GitLab's own. */
  readonly tokenPrefixes?: readonly string[];
  /** Shared by the jobs of a run. */
  readonly maskingTables?: MaskingTables | undefined;
  /** `markers`: `section_start:…` in the log as a GitLab server wants them. */
  readonly sections: 'plain' | 'markers';
  /** Sees the masked bytes too. */
  readonly watch?: (bytes: Uint8Array) => void;
}

/** Opens the log of one try of a job. */
export function createJobLog(options: JobLogOptions): JobLog {
  const { job, sink, emit, clock } = options;
  const prefixes = options.tokenPrefixes ?? defaultTokenPrefixes;
  const masking = createMasking({ phrases: options.secrets, prefixes }, options.maskingTables);
  const streams: Masker[] = [];
  const streamOf = (from: LogStream, level?: 'warning' | 'error' | 'step'): Masker => {
    const target = sink.of?.(from) ?? sink;
    const stream = from === 'stdout' || from === 'stderr' ? from : 'system';
    const masker = masking.stream({
      write(bytes) {
        emit({ type: 'job-output', at: clock.now(), job, stream, bytes, ...(level === undefined ? {} : { level }) });
        options.watch?.(bytes);
        return target.write(bytes);
      },
    });
    streams.push(masker);
    return masker;
  };
  const stdout = streamOf('stdout');
  const stderr = streamOf('stderr');
  const system = streamOf('system');
  const warnings = streamOf('system', 'warning');
  const errors = streamOf('system', 'error');
  // What it warns of is for everybody.
  const byLevel = (plain: LogSink, warning: LogSink): LogSink => ({
    write: (bytes) => (isWarning(bytes) ? warning : plain).write(bytes),
  });
  const writeTo = async (sink: Masker, text: string): Promise<void> => {
    await sink.write(Buffer.from(text));
    const held = sink.flush();
    if (held !== undefined) await held;
  };
  const steps = streamOf('system', 'step');
  const write = (text: string, level?: 'step'): Promise<void> => writeTo(level === 'step' ? steps : system, text);
  const sections = sectionWriter(options, write);
  return {
    // An executor's own lines, and what services say.
    system: { ...byLevel(system, warnings), of: (stream) => byLevel(streamOf(stream), streamOf(stream, 'warning')) },
    stdout,
    stderr,
    refused: masking.refused,
    line: (text) => write(`\x1b[0K${text}\x1b[0;m\n`),
    info: (text) => write(`\x1b[32;1m${text}\x1b[0;m\n`),
    warning: (text) => writeTo(warnings, `\x1b[0;33mWARNING: ${text}\x1b[0;m\n`),
    hint: (text) => writeTo(errors, `\x1b[36m${text}\x1b[0;m\n`),
    error: (text) => writeTo(errors, `\x1b[31;1mERROR: ${text}\x1b[0;m\n`),
    hide: (secret) => void masking.add(secret),
    async masked(text) {
      const chunks: Uint8Array[] = [];
      const keep = masking.stream({ write: async (bytes) => void chunks.push(Uint8Array.from(bytes)) });
      await writeTo(keep, text);
      return Buffer.concat(chunks).toString('utf8');
    },
    ...sections,
    async flush() {
      for (const stream of streams) {
        const held = stream.flush();
        if (held !== undefined) await held;
      }
      await sink.flush?.();
    },
  };
}

function isWarning(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('WARNING: ');
}

function sectionWriter(
  { job, emit, clock, sections }: JobLogOptions,
  write: (text: string, level?: 'step') => Promise<void>,
): Pick<JobLog, 'begin' | 'end'> {
  let open: { readonly name: string; readonly at: number; readonly beganMs: number } | undefined;
  const mark = (kind: 'section_start' | 'section_end', name: string): string =>
    sections === 'markers' ? `${kind}:${Math.floor(clock.now() / 1000)}:${name}\r\x1b[0K` : '';
  const end = async (): Promise<void> => {
    if (open === undefined) return;
    const { name, beganMs } = open;
    open = undefined;
    if (sections === 'markers') await write(mark('section_end', name));
    emit({ type: 'section-finished', at: clock.now(), job, name, durationMs: clock.elapsed() - beganMs });
  };
  const begin = async ({ name, caption, phase, level }: Section): Promise<void> => {
    if (open?.name === name) return;
    if (open !== undefined) await end();
    open = { name, at: clock.now(), beganMs: clock.elapsed() };
    emit({ type: 'section-started', at: open.at, job, name, caption, phase });
    const shown = level === 'step' ? `==> ${caption}` : caption;
    await write(`${mark('section_start', name)}\x1b[0K\x1b[36;1m${shown}\x1b[0;m\n`, level);
  };
  return { begin, end };
}
