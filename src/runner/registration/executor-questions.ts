import type { ConfigTable } from '../config/edit-config.ts';
import { isKnownExecutor, knownExecutors } from '../config/known-executors.ts';
import type { Ask } from './questions.ts';

/**
 * Asks which executor, and what that one needs.
 * @param given the executor that was given.
 * @param settings keys of `[[runners]]` that were given.
 * @returns the same keys, those of the executor filled in, without those of others.
 */
export async function executorQuestions(
  given: string | undefined,
  settings: ConfigTable,
  ask: Ask,
): Promise<ConfigTable> {
  const executor = await ask({
    prompt: `Enter an executor: ${knownExecutors.join(', ')}`,
    what: 'executor',
    by: '--executor or RUNNER_EXECUTOR',
    given,
    wrong: (answer) =>
      isKnownExecutor(answer) ? undefined : `there is no executor ${answer} here, only ${knownExecutors.join(', ')}`,
  });
  const { docker, ssh } = settings;
  const rest = Object.fromEntries(Object.entries(settings).filter(([key]) => !ofExecutors.includes(key)));
  if (executor === 'docker') return { ...rest, executor, docker: await askDocker(table(docker), ask) };
  if (executor === 'ssh') return { ...rest, executor, ssh: await askSsh(table(ssh), ask) };
  return { ...rest, executor };
}

/** Tables of executors: the file has those of the one that was chosen. */
const ofExecutors: readonly string[] = ['docker', 'ssh', 'kubernetes', 'machine', 'parallels', 'virtualbox', 'custom'];

async function askDocker(given: ConfigTable, ask: Ask): Promise<ConfigTable> {
  const image = await ask({
    prompt: 'Enter the default Docker image (for example, ruby:3.3)',
    what: 'default Docker image',
    by: '--docker-image or DOCKER_IMAGE',
    given: text(given['image']),
  });
  const volumes = Array.isArray(given['volumes']) ? (given['volumes'] as string[]) : [];
  // As GitLab Runner: folders that jobs put into /cache are there for the next one.
  const hasCache = given['disable_cache'] === true || volumes.some((volume) => volume.endsWith('/cache'));
  return {
    tls_verify: false,
    privileged: false,
    ...given,
    image,
    volumes: hasCache ? volumes : [...volumes, '/cache'],
  };
}

const sshQuestions = [
  ['host', 'Enter the SSH server address (for example, my.server.com)', 'SSH server address', 'needed'],
  ['port', 'Enter the SSH server port (for example, 22)', 'SSH server port', 'optional'],
  ['user', 'Enter the SSH user (for example, root)', 'SSH user', 'needed'],
  ['password', 'Enter the SSH password (for example, docker.io)', 'SSH password', 'optional'],
  [
    'identity_file',
    'Enter the path to the SSH identity file (for example, /home/user/.ssh/id_rsa)',
    'SSH identity file',
    'optional',
  ],
] as const;

async function askSsh(given: ConfigTable, ask: Ask): Promise<ConfigTable> {
  const answers: Record<string, unknown> = { ...given };
  for (const [key, prompt, what, how] of sshQuestions) {
    const question = { prompt, what, by: bySsh(key), given: text(given[key]) };
    const answer = await ask(how === 'optional' ? { ...question, optional: true } : question);
    if (answer !== '') answers[key] = answer;
  }
  return answers;
}

function bySsh(key: string): string {
  return `--ssh-${key.replace('_', '-')} or SSH_${key.toUpperCase()}`;
}

function table(value: unknown): ConfigTable {
  return typeof value === 'object' && value !== null ? (value as ConfigTable) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
