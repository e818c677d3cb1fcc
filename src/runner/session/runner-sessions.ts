import { randomBytes } from 'node:crypto';
import type { VisitorPort } from '../../model/ports.ts';
import type { Clock } from '../../util/clock.ts';
import type { SessionServer as SessionServerConfig } from '../config/runner-config.ts';
import { parseListenAddress } from '../metrics/listen-address.ts';
import type { SessionInfo } from '../network/gitlab-client.ts';
import type { RunnerLog } from '../runner-log.ts';
import { hostOf } from './advertised-host.ts';
import { JobSession } from './job-session.ts';
import { selfSigned } from './self-signed.ts';
import { serveSessions } from './session-server.ts';

/** How long somebody who comes before a job's script waits for it, as GitLab Runner lets him. */
const patienceMs = 60_000;

/** Terminals into jobs, served on this machine. */
export interface RunnerSessions {
  /** A new session, to be sent with a question for a job. */
  offer(): SessionInfo;
  /**
   * The session of the job that came of it: from now on it is found, until it is disposed.
   * @param job.stayMs see VisitorPort.
   */
  begin(offered: SessionInfo, job: { readonly id: number; readonly stayMs: number }): VisitorPort & AsyncDisposable;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/**
 * Opens the server of `[session_server]`.
 * @throws the error of `listen` as a rejected promise.
 */
export async function openRunnerSessions(
  { listenAddress, advertiseAddress }: SessionServerConfig,
  { clock, log }: { readonly clock: Clock; readonly log: RunnerLog },
): Promise<RunnerSessions> {
  const sessions = new Map<string, JobSession>();
  const tls = selfSigned(hostOf(advertiseAddress), clock.now());
  const listen = parseListenAddress(listenAddress) ?? { port: 0 };
  const server = await serveSessions({ listen, tls, find: (id) => sessions.get(id), log, patienceMs });
  // A port that the system has chosen.
  const advertised = advertiseAddress.replace(/:0$/, server.address.slice(server.address.lastIndexOf(':')));
  log('info', 'Session server is listening', { address: server.address, advertised });
  return {
    offer: () => ({
      url: `https://${advertised}/session/${randomBytes(16).toString('hex')}`,
      certificate: tls.cert,
      authorization: randomBytes(16).toString('hex'),
    }),
    begin: ({ url, authorization }, { id, stayMs }) => {
      const key = url.slice(url.lastIndexOf('/') + 1);
      const session = new JobSession({
        ...{ job: id, authorization, stayMs, log },
        forget: () => void sessions.delete(key),
      });
      sessions.set(key, session);
      return session;
    },
    close: server.close,
  };
}
