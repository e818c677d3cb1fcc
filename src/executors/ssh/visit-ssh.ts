import { randomBytes } from 'node:crypto';
import type { Exit } from '../../model/outcome.ts';
import { startAttachedProcess } from '../../util/attached-process.ts';
import { markerName } from '../../util/process-strays.ts';
import type { SessionFiles } from '../executor.ts';
import { preamble, quote } from '../preamble.ts';
import type { Visit } from '../visit.ts';
import { visitorStdio } from '../visitor-stdio.ts';
import type { SshConnection } from './ssh-connection.ts';

/** Where a visitor comes to. */
export interface VisitedSsh {
  readonly connection: SshConnection;
  readonly directory: string;
  readonly programs?: string;
  readonly files: SessionFiles;
}

/** Lets somebody in: the environment goes ahead as a file, since the input is the visitor's. */
export async function visitSsh(place: VisitedSsh, visit: Visit, signal: AbortSignal): Promise<Exit> {
  if (signal.aborted) return { kind: 'signal', signal: 'SIGTERM' };
  const { connection, programs, files } = place;
  const { own, shell } = connection;
  const name = `${own}/visit-${randomBytes(4).toString('hex')}`;
  const { line } = preamble({
    env: { ...visit.env, [markerName]: `${own}/job.visit.` },
    directory: visit.directory ?? place.directory,
    shell,
  });
  const first = programs === undefined ? '' : `PATH=${quote(programs)}"\${PATH:+:$PATH}"; export PATH\n`;
  const words = visit.command === undefined ? '' : ` -c ${quote(visit.command)}`;
  const start = visit.command === undefined && visit.by.kind === 'terminal' ? ' -i' : words;
  await files.write(name, Buffer.from(`rm -f -- "$0"\n${line}${first}exec ${shell}${start}\n`), 0o600);
  const [file = '', ...args] = connection.argv.slice(0, -1);
  const terminal = visit.by.kind === 'terminal' ? ['-tt'] : [];
  const { by } = visit;
  using _lent = by.kind === 'terminal' ? by.terminal.lend() : undefined;
  const running = await startAttachedProcess({
    file,
    args: [...terminal, ...args, `exec ${shell} -l ${quote(name)}`],
    directory: connection.directory,
    env: connection.env,
    shellFile: '/bin/sh',
    stdio: visitorStdio(by),
  });
  const hangUp = (): void => running.hangUp();
  if (signal.aborted) hangUp();
  else signal.addEventListener('abort', hangUp, { once: true });
  try {
    return await running.ended;
  } finally {
    signal.removeEventListener('abort', hangUp);
  }
}
