import { artifactCalls } from './artifact-calls.ts';
import type { Credentials, GitlabClient } from './gitlab-client.ts';
import { jobCalls } from './job-calls.ts';
import { runnerCalls } from './runner-calls.ts';
import { traceCall } from './trace-call.ts';
import { type NetworkGiven, Transport } from './transport.ts';

/** Makes a client. Nothing is connected; a wrong address is told by each call. */
export function createClient(credentials: Credentials, given: NetworkGiven): GitlabClient {
  const transport = new Transport(credentials, given);
  const last = { value: '' };
  const calls = { transport, token: credentials.token, last };
  return {
    credentials,
    ...runnerCalls(calls),
    ...jobCalls(calls),
    ...traceCall(transport),
    ...artifactCalls(transport),
    get lastUpdate() {
      return last.value;
    },
    close: () => transport.close(),
  };
}

/** The clients of a process: one for each set of credentials, so that connections and `last_update` are shared. */
export interface Clients {
  of(credentials: Credentials): GitlabClient;
  /** Closes all of them, and all but those of the given credentials where some are given. */
  close(except?: readonly Credentials[]): void;
}

/** Makes the place where clients are kept. */
export function createClients(given: NetworkGiven): Clients {
  const clients = new Map<string, GitlabClient>();
  return {
    of(credentials) {
      const key = keyOf(credentials);
      const found = clients.get(key);
      if (found !== undefined) return found;
      const made = createClient(credentials, given);
      clients.set(key, made);
      return made;
    },
    close(except = []) {
      const kept = new Set(except.map(keyOf));
      for (const [key, client] of clients) {
        if (kept.has(key)) continue;
        clients.delete(key);
        client.close();
      }
    },
  };
}

function keyOf({ url, token, tlsCaFile, tlsCertFile, tlsKeyFile }: Credentials): string {
  return JSON.stringify([url, token, tlsCaFile ?? '', tlsCertFile ?? '', tlsKeyFile ?? '']);
}
