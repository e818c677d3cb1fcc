import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { Exit } from '../../model/outcome.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { StreamsVisitor, TerminalSize, TerminalVisitor, Visit } from '../visit.ts';
import { answerOf } from './answer-of.ts';
import { doorwayOutput } from './doorway-output.ts';
import type { JobContainerPlace } from './job-container-place.ts';
import { programsFirst } from './programs-first.ts';
import { sizeFollower } from './size-follower.ts';
import { readUntilSilent, takeUntilSilent } from './take-until-silent.ts';
import { doorway, type VisitLines, visitLines } from './visit-lines.ts';

/**
 * Lets somebody into a running container, by an exec. Variables go in over its input, before what the visitor types.
 * @param ends where the ends of execs are told, by id.
 * @param mark a variable (NAME=value) that all of his processes have.
 */
export async function visitContainer(
  place: JobContainerPlace,
  ends: Map<string, Deferred<number>>,
  visit: Visit,
  signal: AbortSignal,
  mark?: string,
): Promise<Exit> {
  const { engine, id } = place;
  const { by } = visit;
  const made = engine.api.getContainer(id).exec({
    Cmd: ['sh', '-c', doorway],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: by.kind === 'terminal',
    ...(mark === undefined ? {} : { Env: [mark] }),
  });
  const exec = await answerOf(place, made, signal);
  const end = deferred<number>();
  end.promise.catch(() => {});
  ends.set(exec.id, end);
  const started = exec.start({ hijack: true, stdin: true, Tty: by.kind === 'terminal' }) as Promise<Duplex>;
  const stream = await answerOf(place, started, signal, (late) => {
    late.on('error', () => {}).destroy();
  }).catch((error: unknown) => {
    ends.delete(exec.id);
    throw error;
  });
  stream.on('error', () => {});
  // Podman's events tell nothing of the ends of execs.
  stream.once('close', () => void askForEnd(exec, end));
  let gone = signal.aborted;
  const leave = (): void => {
    gone = true;
    stream.destroy();
  };
  signal.addEventListener('abort', leave, { once: true });
  try {
    if (gone) leave();
    else if (by.kind === 'terminal') await byTerminal(by, { stream, exec, end, visit, place });
    else await byStreams(by, { stream, exec, end, visit, place });
    if (gone) return { kind: 'signal', signal: 'SIGTERM' };
    stream.destroy();
    return { kind: 'code', code: await answerOf(place, end.promise, signal) };
  } catch (error) {
    if (gone) return { kind: 'signal', signal: 'SIGTERM' };
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    ends.delete(exec.id);
    stream.destroy();
  }
}

interface Visiting {
  readonly stream: Duplex;
  readonly exec: Dockerode.Exec;
  readonly end: Deferred<number>;
  readonly visit: Visit;
  readonly place: JobContainerPlace;
}

async function byTerminal({ terminal }: TerminalVisitor, visiting: Visiting): Promise<void> {
  const { stream, exec, end } = visiting;
  using open = terminal.open();
  const follow = sizeFollower(open.size, ({ columns, rows }) => exec.resize({ w: columns, h: rows }));
  follow();
  open.onResize(follow);
  const { text: lines, skipped } = linesFor(visiting);
  // The engine's own way can come later than what is typed first.
  const text = `${setSize(open.size())}${lines}`;
  stream.write(text);
  const said = doorwayOutput(text);
  const hangUp = (): void => void stream.destroy();
  open.input.once('end', hangUp).once('error', hangUp);
  try {
    await readUntilSilent(stream, end.promise, async (onChunk) => {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        onChunk(chunk.length);
        const found = said.push(chunk);
        if (found.kind === 'now') {
          for (const name of skipped) await open.write(Buffer.from(`${skippedText(name)}\r\n`));
          // What is typed before would be taken for one of our lines.
          open.input.pipe(stream, { end: false });
        }
        if (found.kind !== 'not yet' && found.rest.length > 0) await open.write(found.rest);
        onChunk(0);
      }
    });
    const why = said.unmarked();
    if (why !== '') await open.write(Buffer.from(`${why}\r\n`));
  } finally {
    open.input.off('end', hangUp).off('error', hangUp);
    open.input.unpipe(stream);
  }
}

async function byStreams({ input, stdout, stderr }: StreamsVisitor, visiting: Visiting): Promise<void> {
  const { stream, end } = visiting;
  const { text, skipped } = linesFor(visiting);
  for (const name of skipped) await stderr.write(Buffer.from(`${skippedText(name)}\n`));
  if (input === undefined) stream.end(text);
  else {
    stream.write(text);
    input().pipe(stream);
  }
  try {
    await takeUntilSilent(stream, stdout, stderr, end.promise);
  } finally {
    input?.().unpipe(stream).pause();
  }
}

function linesFor({ visit, place }: Visiting): VisitLines {
  const isTerminal = visit.by.kind === 'terminal';
  // What an image's ~/.bashrc does is no part of the job's environment.
  const flags = isTerminal && place.shell.endsWith('bash') ? '--norc -i' : isTerminal ? '-i' : '';
  return visitLines({
    ...programsFirst(visit.env, place),
    directory: visit.directory ?? '/',
    shell: place.shell,
    flags,
    ...(visit.command === undefined ? {} : { command: visit.command }),
    mark: isTerminal ? 'wanted' : 'not wanted',
  });
}

/** A line for the doorway. */
const setSize = ({ rows, columns }: TerminalSize): string => `stty rows ${rows} cols ${columns} 2>/dev/null\n`;

const skippedText = (name: string): string =>
  `WARNING: the variable ${JSON.stringify(name)} can't be set by a shell and is left out`;

/** How long an engine may take from closing an exec's stream until it knows its exit code. */
const tries = 40;
const betweenTriesMs = 50;

async function askForEnd(exec: Dockerode.Exec, end: Deferred<number>): Promise<void> {
  try {
    for (let attempt = 0; attempt < tries; attempt++) {
      const { Running, ExitCode } = await exec.inspect();
      if (!Running && typeof ExitCode === 'number') return end.resolve(ExitCode);
      await sleep(betweenTriesMs);
    }
    end.reject(new Error('the engine does not tell how the shell ended'));
  } catch (error) {
    end.reject(error);
  }
}
