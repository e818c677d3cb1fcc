import type { Clock } from '../../util/clock.ts';
import { present } from '../../util/present.ts';
import type { ConfigTable } from '../config/edit-config.ts';
import { runnerTraits } from '../job/runner-traits.ts';
import { type RunnerInfo, runnerInfo } from '../network/features.ts';
import type { Credentials, GitlabClient } from '../network/gitlab-client.ts';
import type { RunnerIdentity } from '../network/identity.ts';
import { executorQuestions } from './executor-questions.ts';
import { letGo } from './kept-runners.ts';
import type { Ask } from './questions.ts';
import { RegistrationError } from './registration-error.ts';

/** What was given for a new runner, before anybody is asked. */
export interface RegisterOptions {
  readonly url?: string;
  /** Authentication token, `glrt-…`. */
  readonly token?: string;
  readonly registrationToken?: string;
  readonly name?: string;
  readonly tagList?: string;
  readonly maintenanceNote?: string;
  readonly runUntagged?: boolean;
  readonly locked?: boolean;
  readonly accessLevel?: 'not_protected' | 'ref_protected';
  readonly maximumTimeout?: number;
  readonly paused?: boolean;
  readonly executor?: string;
  /** Keys of `[[runners]]` that were given. */
  readonly settings: ConfigTable;
}

/** What a registration works with. */
export interface RegisterPorts {
  readonly ask: Ask;
  readonly connect: (credentials: Credentials) => GitlabClient;
  readonly identity: RunnerIdentity;
  readonly systemId: string;
  /** The default name. */
  readonly hostname: string;
  readonly clock: Clock;
  /** Tells the user. */
  readonly tell: (text: string) => Promise<void>;
  readonly signal: AbortSignal;
  /** A runner that was made on the server stays there when something fails later. */
  readonly leave: boolean;
}

/** A runner that the server knows now. */
export interface Registered {
  /** The table for the file. */
  readonly runner: ConfigTable;
  /** Takes it back, where the registration has made it. */
  readonly undo: () => Promise<void>;
}

/** Settings that a runner with an authentication token has on the server; those of them that are no defaults count. */
const serverSettings: readonly (readonly [keyof RegisterOptions, string])[] = [
  ['locked', '--locked'],
  ['accessLevel', '--access-level'],
  ['runUntagged', '--run-untagged'],
  ['maximumTimeout', '--maximum-timeout'],
  ['paused', '--paused'],
  ['tagList', '--tag-list'],
  ['maintenanceNote', '--maintenance-note'],
];

/**
 * Registers a runner: asks in the order of GitLab Runner, lets the server know it, and makes the table for the file.
 * Source: https://docs.gitlab.com/runner/register/
 * @throws RegistrationError
 */
export async function register(options: RegisterOptions, ports: RegisterPorts): Promise<Registered> {
  const url = await ports.ask({
    prompt: 'Enter the GitLab instance URL (for example, https://gitlab.com/)',
    what: 'GitLab instance URL',
    by: '--url or CI_SERVER_URL',
    given: options.url,
    wrong: (answer) => (/^https?:\/\/./.test(answer) ? undefined : `${answer} is no http or https address`),
  });
  const token = options.token?.trim() || (await askToken(options, ports));
  const client = ports.connect({ url, token, ...tlsOf(options.settings) });
  try {
    const known = await makeKnown(options, token, client, ports);
    try {
      const settings = await executorQuestions(options.executor, options.settings, ports.ask);
      return { runner: tableOf(url, known, settings, ports.clock), undo: known.undo };
    } catch (error) {
      await known.undo();
      throw error;
    }
  } finally {
    client.close();
  }
}

/** Nobody is asked where `--token` has said it. */
function askToken({ registrationToken }: RegisterOptions, { ask }: RegisterPorts): Promise<string> {
  return ask({
    prompt: 'Enter the registration token',
    what: 'registration token',
    by: 'a runner authentication token (glrt-…) as CI_SERVER_TOKEN or --token',
    given: registrationToken,
  });
}

interface Known {
  readonly name: string;
  readonly id: number;
  readonly token: string;
  readonly expiresAt: Date | undefined;
  readonly undo: () => Promise<void>;
}

async function makeKnown(
  options: RegisterOptions,
  token: string,
  client: GitlabClient,
  ports: RegisterPorts,
): Promise<Known> {
  if (token.startsWith('glrt-')) {
    await refuseServerSettings(options, token, ports);
    const known = await verified(options, token, client, ports);
    const prompt = 'Enter a name for the runner. This is stored only in the local config.toml file';
    return { ...known, name: await askName(prompt, options, ports) };
  }
  // One that was made before: it has its description on the server.
  if (options.token?.trim()) {
    return { ...(await verified(options, token, client, ports)), name: options.name ?? ports.hostname };
  }
  return newRunner(options, client, ports);
}

function askName(prompt: string, options: RegisterOptions, { ask, hostname }: RegisterPorts): Promise<string> {
  return ask({ prompt, what: 'name', by: '--name or RUNNER_NAME', given: options.name ?? hostname });
}

async function refuseServerSettings(options: RegisterOptions, token: string, { tell }: RegisterPorts): Promise<void> {
  const isSet = (key: keyof RegisterOptions): boolean =>
    key === 'locked' ? options.locked === false : Boolean(options[key]);
  const given = serverSettings.filter(([key]) => isSet(key)).map(([, flag]) => flag);
  if (given.length === 0) return;
  const flags = given.join(', ');
  if (options.token?.trim() === token) {
    const message = `${flags} can't be used with an authentication token (glrt-): set that on the server, where the runner was made`;
    throw new RegistrationError('usage', message);
  }
  await tell(`WARNING: ${flags} mean nothing with an authentication token (glrt-): set that on the server`);
}

/** What is known of the runner by now: its executor is asked for later. */
function infoOf({ executor = '' }: RegisterOptions, { identity }: RegisterPorts): RunnerInfo {
  return runnerInfo(identity, runnerTraits({ executor, labels: {} }, { labels: {} }));
}

async function verified(
  options: RegisterOptions,
  token: string,
  client: GitlabClient,
  ports: RegisterPorts,
): Promise<Omit<Known, 'name'>> {
  const answer = await client.verify({ info: infoOf(options, ports), systemId: ports.systemId }, ports.signal);
  if (answer.kind === 'unknown') throw new RegistrationError('server', `The runner can't be verified: ${answer.why}`);
  const isNew = token.startsWith('glrt-');
  if (answer.kind === 'removed' || (isNew && answer.runner.id === 0)) {
    throw new RegistrationError(
      'server',
      'The server does not know this token: the runner is not valid, or was removed',
    );
  }
  await ports.tell(isNew ? 'Verifying runner... is valid' : 'Verifying runner... is alive');
  const { id, tokenExpiresAt: expiresAt } = answer.runner;
  const undo = async (): Promise<void> => {
    if (isNew && !ports.leave) await letGo(client.credentials, ports);
  };
  return { id, token, expiresAt, undo };
}

/** With the old registration token: the server makes a runner. */
async function newRunner(options: RegisterOptions, client: GitlabClient, ports: RegisterPorts): Promise<Known> {
  const name = await askName('Enter a description for the runner', options, ports);
  const tags = await ports.ask({
    prompt: 'Enter tags for the runner (comma-separated)',
    what: 'tags',
    given: options.tagList,
    optional: true,
  });
  const maintenanceNote = await ports.ask({
    prompt: 'Enter optional maintenance note for the runner',
    what: 'maintenance note',
    given: options.maintenanceNote,
    optional: true,
  });
  const list = tags.split(',').map((tag) => tag.trim());
  const request = {
    description: name,
    ...(maintenanceNote === '' ? {} : { maintenanceNote }),
    tags: list.filter((tag) => tag !== ''),
    // One without tags that takes only jobs with tags would take none.
    runUntagged: options.runUntagged === true || list.every((tag) => tag === ''),
    locked: options.locked ?? true,
    ...present({ accessLevel: options.accessLevel }),
    maximumTimeoutSeconds: options.maximumTimeout ?? 0,
    paused: options.paused ?? false,
    info: infoOf(options, ports),
  };
  const answer = await client.register(request, ports.signal);
  if (answer.kind === 'failed') throw new RegistrationError('server', `Registering runner... failed: ${answer.why}`);
  await ports.tell('Registering runner... succeeded');
  const { id, token, tokenExpiresAt: expiresAt } = answer.value;
  const undo = async (): Promise<void> => {
    if (ports.leave) return;
    const isGone = await letGo({ ...client.credentials, token }, ports);
    if (!isGone) await ports.tell('WARNING: the runner stays on the server: it could not be unregistered');
  };
  return { name, id, token, expiresAt, undo };
}

function tlsOf(settings: ConfigTable): Partial<Credentials> {
  const text = (key: string): string | undefined => (typeof settings[key] === 'string' ? settings[key] : undefined);
  return present({
    tlsCaFile: text('tls-ca-file'),
    tlsCertFile: text('tls-cert-file'),
    tlsKeyFile: text('tls-key-file'),
  });
}

function tableOf(url: string, known: Known, settings: ConfigTable, clock: Clock): ConfigTable {
  const { executor, ...rest } = settings;
  return {
    name: known.name,
    url,
    id: known.id,
    token: known.token,
    token_obtained_at: wholeSeconds(new Date(clock.now())),
    // The year 1 is GitLab Runner's way to say never.
    token_expires_at: known.expiresAt ?? new Date('0001-01-01T00:00:00Z'),
    executor,
    ...rest,
  };
}

function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
