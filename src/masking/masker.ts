import type { LogSink } from '../model/ports.ts';
import { type Automaton, buildAutomaton, type Pattern } from './automaton.ts';
import { MaskingStream, type Rule } from './masking-stream.ts';
import { type MaskingTables, maskingTables } from './masking-tables.ts';

/**
 * Prefixes of GitLab's own tokens; what follows one is masked whatever it is.
 * Source: https://docs.gitlab.com/security/tokens/#token-prefixes
 */
export const defaultTokenPrefixes: readonly string[] = [
  'glpat-',
  'gloas-',
  'gldt-',
  'glrt-',
  'glcbt-',
  'glrtr-',
  'glptt-',
  'glft-',
  'glimt-',
  'glagent-',
  'glsoat-',
  'glffct-',
  '_gitlab_session=',
  'gltok-',
];

const secretParameters = [
  'private_token',
  'authenticity_token',
  'rss_token',
  'x-amz-signature',
  'x-amz-credential',
  'x-amz-security-token',
];

/** What has to be hidden. */
export interface Secrets {
  /** Values of masked variables, and whatever else must not be seen. */
  readonly phrases: Iterable<string>;
  /** Token prefixes; default: GitLab's own. */
  readonly prefixes?: readonly string[];
}

/** A log sink that hides secrets in what passes through. */
export interface Masker extends LogSink {
  /** Writes what was held back because it might have become a secret; undefined: there was nothing. */
  flush(): Promise<void> | undefined;
  /** Hides one more value, from the next byte on. */
  add(phrase: string): 'added' | 'refused';
}

/** The secrets of one job, shared by its streams. */
export interface Masking {
  /** Values that are too short to be masked, so that somebody can warn. */
  readonly refused: readonly string[];
  /** Hides one more value in all streams, from the next byte on. */
  add(phrase: string): 'added' | 'refused';
  /** A masker with a state of its own, for one stream of output. */
  stream(sink: LogSink): Masker;
}

/**
 * Builds the table once for all the streams of a job.
 * @param tables shared by the jobs of a run, most of which hide the same values.
 */
export function createMasking(secrets: Secrets, tables: MaskingTables = maskingTables()): Masking {
  const prefixes = secrets.prefixes ?? defaultTokenPrefixes;
  const first = tables.of(secrets.phrases, prefixes);
  const rule: { automaton: Automaton; readonly follows: Uint8Array } = {
    automaton: first.automaton,
    follows: tokenBytes,
  };
  let table = first;
  const add = (phrase: string): 'added' | 'refused' => {
    if (!table.phrases.has(phrase)) {
      const { forms } = table;
      table = tables.of([...table.phrases, phrase], prefixes);
      // Streams read what they hold back once more for a new table: not for one that finds the same.
      if (table.forms.size > forms.size) rule.automaton = table.automaton;
    }
    return table.refused.includes(phrase) || phrase.trim() === '' ? 'refused' : 'added';
  };
  return { refused: first.refused, add, stream: (sink) => createStream(rule, add, sink) };
}

/** A masker for a single stream. Its `refused` values are those of `createMasking`. */
export function createMasker(secrets: Secrets, sink: LogSink): Masker & { readonly refused: readonly string[] } {
  const masking = createMasking(secrets);
  return { ...masking.stream(sink), refused: masking.refused };
}

function createStream(rule: Rule, add: Masking['add'], sink: LogSink): Masker {
  const parameters = new MaskingStream(parameterRule, sink);
  const phrases = new MaskingStream(rule, parameters);
  return {
    write: (bytes) => phrases.write(bytes),
    flush: () => {
      const written = phrases.flush();
      return written === undefined ? parameters.flush() : written.then(() => parameters.flush());
    },
    add,
  };
}

function byteSet(holds: (char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(String.fromCharCode(byte)) ? 1 : 0));
}

/** What a token may consist of, as GitLab Runner has it. */
const tokenBytes = byteSet((char) => /[0-9A-Za-z\-._=]/.test(char));

/** Values of URL parameters that carry secrets: `?private_token=…`, up to the next parameter, blank or control. */
const parameterRule: Rule = {
  automaton: buildAutomaton(
    secretParameters.flatMap((name) =>
      ['?', '&'].map((sign): Pattern => ({ bytes: Buffer.from(`${sign}${name}=`), kind: 'opener' })),
    ),
    'fold',
  ),
  follows: byteSet((char) => char > ' ' && char !== '\x7f' && char !== '?' && char !== '&'),
};
