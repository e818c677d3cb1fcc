import type { RunnerChange } from '../config/change-runners.ts';
import type { RunnerConfig, RunnerEntry } from '../config/runner-config.ts';
import { runnerTraits } from '../job/runner-traits.ts';
import { runnerInfo } from '../network/features.ts';
import type { Credentials, GitlabClient, Verified } from '../network/gitlab-client.ts';
import type { RunnerIdentity } from '../network/identity.ts';
import { shortToken } from '../runner-log.ts';
import { RegistrationError } from './registration-error.ts';

/** What work on the runners of the file needs. */
export interface KeptRunnerPorts {
  readonly connect: (credentials: Credentials) => GitlabClient;
  readonly identity: RunnerIdentity;
  readonly systemId: string;
  /** Tells the user. */
  readonly tell: (text: string) => Promise<void>;
}

/** Which runners of the file; all that are given must fit. */
export interface RunnerFilter {
  readonly name?: string;
  readonly url?: string;
  readonly token?: string;
  readonly id?: number;
}

/**
 * The runners that fit.
 * @throws RegistrationError when none does.
 */
export function selectRunners(runners: readonly RunnerEntry[], filter: RunnerFilter): readonly RunnerEntry[] {
  const fits = ({ name, url, token, id }: RunnerEntry): boolean =>
    (filter.id === undefined || id === filter.id) &&
    (filter.name === undefined || name === filter.name) &&
    (filter.url === undefined || withoutSlash(url) === withoutSlash(filter.url)) &&
    (filter.token === undefined || token === filter.token);
  const found = runners.filter(fits);
  if (found.length > 0 || (runners.length === 0 && Object.keys(filter).length === 0)) return found;
  const names = runners.map(({ name }) => name).join(', ');
  const there = runners.length === 0 ? 'there are no runners' : `there are: ${names}`;
  throw new RegistrationError('usage', `no runner of the file fits; ${there}`);
}

/**
 * The first runner that fits: a name may be there several times, and only one of them is meant to be changed.
 * @param runners of the file, all of them.
 * @param tell told of others that would have done.
 * @returns that runner, and further entries of the file for it.
 * @throws RegistrationError when none fits.
 */
export async function selectRunner(
  runners: readonly RunnerEntry[],
  filter: RunnerFilter,
  tell: KeptRunnerPorts['tell'],
): Promise<{ readonly runner: RunnerEntry; readonly twins: readonly RunnerEntry[] }> {
  const [runner, ...others] = selectRunners(runners, filter);
  if (runner === undefined) throw new RegistrationError('usage', 'there are no runners');
  const isSame = ({ url, token }: RunnerEntry): boolean => url === runner.url && token === runner.token;
  const left = others.filter((other) => !isSame(other));
  if (left.length > 0) {
    await tell(`Only the first one that fits: ${runnerLabel(runner)}, not ${left.map(runnerLabel).join(', ')}`);
  }
  return { runner, twins: runners.filter((other) => other !== runner && isSame(other)) };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/** How a runner is called in messages. */
export function runnerLabel({ name, token }: RunnerEntry): string {
  return `${name} (${shortToken(token)})`;
}

/** The credentials of a runner of the file. */
export function credentialsOf({ url, token, tls }: RunnerEntry): Credentials {
  return {
    url,
    token,
    ...(tls.caFile === undefined ? {} : { tlsCaFile: tls.caFile }),
    ...(tls.certFile === undefined ? {} : { tlsCertFile: tls.certFile }),
    ...(tls.keyFile === undefined ? {} : { tlsKeyFile: tls.keyFile }),
  };
}

/**
 * Asks the server of each runner whether it still knows it. It writes down what the runner can do for the next hour, so
 * it is told all.
 */
export async function verifyRunners(
  runners: readonly RunnerEntry[],
  config: Pick<RunnerConfig, 'labels'>,
  ports: KeptRunnerPorts,
): Promise<readonly { readonly runner: RunnerEntry; readonly verified: Verified }[]> {
  const results = [];
  for (const runner of runners) {
    const client = ports.connect(credentialsOf(runner));
    const info = runnerInfo(ports.identity, runnerTraits(runner, config));
    const verified = await client.verify({ info, systemId: ports.systemId });
    client.close();
    await ports.tell(`Verifying runner ${runnerLabel(runner)}... ${verdict(runner, verified)}`);
    results.push({ runner, verified });
  }
  return results;
}

function verdict({ token }: RunnerEntry, verified: Verified): string {
  const isNew = token.startsWith('glrt-');
  if (verified.kind === 'valid') return isNew ? 'is valid' : 'is alive';
  if (verified.kind === 'removed') return isNew ? 'is not valid' : 'is removed';
  return `can't be verified: ${verified.why}`;
}

/** Takes runners off their servers. @returns those that the servers have let go. */
export async function unregisterRunners(
  runners: readonly RunnerEntry[],
  ports: KeptRunnerPorts,
): Promise<readonly RunnerEntry[]> {
  const gone = [];
  for (const runner of runners) {
    const isGone = await letGo(credentialsOf(runner), ports);
    await ports.tell(`Unregistering runner ${runnerLabel(runner)}... ${isGone ? 'succeeded' : 'failed'}`);
    if (isGone) gone.push(runner);
  }
  return gone;
}

/**
 * Tells a server that a runner is gone. One with an authentication token stays on the server, only this machine is
 * taken off it; one of a registration token is deleted.
 */
export async function letGo(
  credentials: Credentials,
  { connect, systemId }: Pick<KeptRunnerPorts, 'connect' | 'systemId'>,
): Promise<boolean> {
  const client = connect(credentials);
  try {
    return credentials.token.startsWith('glrt-') ? await client.unregisterManager(systemId) : await client.unregister();
  } finally {
    client.close();
  }
}

/**
 * Gets a new authentication token for each runner.
 * @param personalAccessToken asks by it, for runners whose own token has expired.
 * @returns the changes to the file, and the runners whose server refused.
 */
export async function resetTokens(
  runners: readonly RunnerEntry[],
  personalAccessToken: string | undefined,
  ports: KeptRunnerPorts,
): Promise<{ readonly changes: readonly RunnerChange[]; readonly failed: readonly RunnerEntry[] }> {
  const changes: RunnerChange[] = [];
  const failed: RunnerEntry[] = [];
  for (const runner of runners) {
    const client = ports.connect(credentialsOf(runner));
    const answer = await (personalAccessToken === undefined
      ? client.resetToken()
      : client.resetTokenOf(runner.id, personalAccessToken));
    client.close();
    await ports.tell(
      `Resetting token of runner ${runnerLabel(runner)}... ${answer.kind === 'ok' ? 'succeeded' : `failed: ${answer.why}`}`,
    );
    if (answer.kind === 'ok') changes.push(newTokenChange(runner, answer.value));
    else failed.push(runner);
  }
  return { changes, failed };
}

/** Writes a new token into the file. */
export function newTokenChange(
  runner: RunnerEntry,
  {
    token,
    obtainedAt,
    expiresAt,
  }: { readonly token: string; readonly obtainedAt: Date; readonly expiresAt: Date | undefined },
): RunnerChange {
  const values = {
    token,
    token_obtained_at: new Date(Math.floor(obtainedAt.getTime() / 1000) * 1000),
    // The year 1 is GitLab Runner's way to say never.
    token_expires_at: expiresAt ?? new Date('0001-01-01T00:00:00Z'),
  };
  return { runner, kind: 'set', values };
}
