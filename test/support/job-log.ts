import { isFinished, type Job, traceOf } from '../gitlab-server/state/model.ts';

/** A line of a log whose lines say when and by whom they were written, put together again where it came in pieces. */
export interface StampedLine {
  /** When it began, as it is written there. */
  readonly at: string;
  /** Number and kind: `00O`: the runner's, `01O` and `01E`: the job's, `0fO` and on: services. */
  readonly stream: string;
  /** Without its end. */
  text: string;
}

const header = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (00O|01[OE]|(?:0f|[1-9a-f][0-9a-f])O)([ +])/;

/** Stands behind the last byte of a log that is too long, and has no headers. */
const limit =
  /\n\x1b\[33;1mJob's log exceeded limit of \d+ bytes\.\nJob execution will continue but no more output will be collected\.\x1b\[0;m\n$/;

/**
 * Takes a log apart. What is not exactly as GitLab Runner writes it is an error, and times that go back within a stream.
 * @param end `cut`: more may come, and a piece of a line at the end is left out.
 */
export function stampedLines(log: string, end: 'whole' | 'cut' = 'whole'): readonly StampedLine[] {
  const kept = log.replace(limit, '');
  const pieces = kept.split('\n');
  const rest = pieces.pop()!;
  if (rest !== '' && end === 'whole' && kept === log) throw new Error(`the last line has no end: ${rest}`);
  const lines: StampedLine[] = [];
  const latest = new Map<string, { readonly line: StampedLine; at: string; piece: string }>();
  for (const piece of pieces) {
    const [whole = '', at = '', stream = '', flag] = header.exec(piece) ?? [];
    if (Number.isNaN(Date.parse(at))) throw new Error(`no header as it has to be: ${piece}`);
    const text = piece.slice(whole.length);
    const before = latest.get(stream);
    if (before !== undefined && at < before.at)
      throw new Error(`earlier than the line before, at ${before.at}: ${piece}`);
    if (flag === '+') {
      if (before === undefined || !maybeCut(stream, before.piece)) throw new Error(`continues nothing: ${piece}`);
      before.line.text += text;
      Object.assign(before, { at, piece });
    } else {
      const line = { at, stream, text };
      lines.push(line);
      latest.set(stream, { line, at, piece });
    }
  }
  return lines;
}

/** Lines of a job are cut behind a `\r`, and where they are long; those of others also where all is written out. */
function maybeCut(stream: string, piece: string): boolean {
  return !stream.startsWith('01') || piece.includes('\r') || Buffer.byteLength(piece) > 8192 - 4;
}

/** What a job's log says, without the headers of its lines, all of which have to be right. */
export function jobLog(job: Job): string {
  const end = isFinished(job) && job.status !== 'canceled' ? 'whole' : 'cut';
  return stampedLines(traceOf(job).toString(), end)
    .map(({ text }) => `${text}\n`)
    .join('');
}
