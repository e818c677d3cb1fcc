import { findProgram } from '../../util/find-program.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import { type CommandResult, runCommand } from '../../util/process-command.ts';
import { isRecord } from './engine-address.ts';

/** What a credential helper says about one registry. */
export type HelperAnswer =
  | { readonly kind: 'found'; readonly username: string; readonly secret: string }
  | { readonly kind: 'none' }
  /** `why` is for people: the program is missing, failed or took too long. */
  | { readonly kind: 'failed'; readonly why: string };

/** How `docker-credential-…` programs are started. */
export interface HelperSettings {
  /** The user's own environment, in which helpers run; nothing of a job's variables is in it. */
  readonly env: Readonly<Record<string, string>>;
  /** How long a helper may take, milliseconds; default 30,000: it may ask the user something. */
  readonly timeoutMs?: number;
}

/** Answers are used again for so long; tokens of registries live longer. */
const rememberedMs = 5 * 60_000;

/**
 * Programs `docker-credential-NAME` of the user's, which keep logins in a keychain or make them for a cloud. Each is
 * asked once for jobs that want the same login at the same time.
 * Source: https://github.com/docker/docker-credential-helpers
 */
export class CredentialHelpers {
  readonly #settings: HelperSettings;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: Promise<HelperAnswer> }>();

  constructor(settings: HelperSettings) {
    this.#settings = settings;
  }

  /** @param server as it stands in the configuration: `https://index.docker.io/v1/`, `registry.example.com`. */
  ask(helper: string, server: string): Promise<HelperAnswer> {
    const key = `${helper} ${server}`;
    const known = this.#answers.get(key);
    if (known !== undefined && monotonicMs() - known.at < rememberedMs) return known.answer;
    const answer = askHelper(helper, server, this.#settings);
    this.#answers.set(key, { at: monotonicMs(), answer });
    void answer.then(({ kind }) => {
      if (kind === 'failed') this.#answers.delete(key);
    });
    return answer;
  }

  /** A registry refused a login: the helpers are asked anew. */
  forget(): void {
    this.#answers.clear();
  }
}

async function askHelper(helper: string, server: string, settings: HelperSettings): Promise<HelperAnswer> {
  const { env, timeoutMs = 30_000 } = settings;
  const name = `docker-credential-${helper}`;
  if (!/^\w[\w.-]*$/.test(helper)) return { kind: 'failed', why: `\`${helper}\` is no name of a credential helper` };
  const program = findProgram(name, env['PATH'] ?? '');
  if (program === undefined) return { kind: 'failed', why: `the credential helper ${name} is not in PATH` };
  try {
    return answerOf(name, await runCommand([program, 'get'], { env, input: server, timeoutMs, maxBytes: 1 << 20 }));
  } catch (error) {
    const late = (error as { timedOut?: unknown }).timedOut === true;
    const why = late ? `did not answer in ${timeoutMs / 1000} s` : 'could not be run';
    return { kind: 'failed', why: `the credential helper ${name} ${why}` };
  }
}

function answerOf(name: string, { code, signal, stdout, stderr }: CommandResult): HelperAnswer {
  if (code !== 0) {
    const said = `${stdout}\n${stderr}`;
    if (/credentials not found/i.test(said)) return { kind: 'none' };
    const how = code === undefined ? String(signal) : `exit code ${code}`;
    return { kind: 'failed', why: `the credential helper ${name} failed (${how})${firstWords(said)}` };
  }
  const answer = parse(stdout);
  if (!isRecord(answer) || typeof answer.Username !== 'string' || typeof answer.Secret !== 'string') {
    return { kind: 'failed', why: `the credential helper ${name} did not print what Docker's helpers print` };
  }
  const { Username: username, Secret: secret } = answer;
  return username === '' && secret === '' ? { kind: 'none' } : { kind: 'found', username, secret };
}

/** Helpers print their errors where others find the secret: what looks like one is not repeated. */
function firstWords(said: string): string {
  const line = said.trim().split('\n')[0]!.trim();
  return line === '' || /[{}"]|secret|password|token/i.test(line) ? '' : `: ${line.slice(0, 200)}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
