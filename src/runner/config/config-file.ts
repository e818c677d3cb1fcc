import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse } from 'smol-toml';
import { errorCode, fileWords } from '../../util/files/file-problem.ts';
import { makeDirectories } from '../../util/files/make-directories.ts';
import { readNamedFile } from '../../util/files/read-named-file.ts';
import { writeFileAtomic } from '../../util/files/write-file-atomic.ts';
import { tomlLine } from '../../util/toml-line.ts';
import { tomlProblem } from '../../util/toml-problem.ts';
import { type ConfigEdit, editConfig } from './edit-config.ts';
import { readConfig } from './read-config.ts';
import type { CheckContainers, RunnerConfig } from './runner-config.ts';
import type { ConfigProblem, KeyPath } from './toml-fields.ts';

/** The file can't be read, is no TOML, or has values that do not fit. The message names file and line. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
}

/** Files of runners have some kilobytes. */
const maxBytes = 4 * 1024 * 1024;

/** `runner.toml` as it stands on the disk. */
export interface ConfigFile {
  readonly path: string;
  readonly config: RunnerConfig;
  /** Things that do nothing, one line each, with file and line. */
  readonly warnings: readonly string[];
  /** Changes when the file does. */
  readonly stamp: string;
}

/**
 * Reads the file; a missing one is an empty one.
 * @param variables for `$NAME` in `url` and `token`.
 * @param checkContainers see `readConfig`.
 * @throws ConfigFileError
 */
export function readConfigFile(
  path: string,
  variables: Readonly<Record<string, string | undefined>>,
  checkContainers?: CheckContainers,
): ConfigFile {
  const stamp = configStamp(path);
  const text = textOf(path);
  const { config, problems } = readConfig(parsed(path, text), variables, checkContainers);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigFileError(errors.map((problem) => told(path, text, problem)).join('\n'));
  return { path, config, warnings: problems.map((problem) => told(path, text, problem)), stamp };
}

/** A text that changes when the file does; the empty one: there is no file. It does not throw. */
export function configStamp(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
    return stat === undefined ? '' : `${stat.ino}-${stat.mtimeNs}-${stat.size}`;
  } catch (error) {
    return `out of reach: ${(error as Error).message}`;
  }
}

/**
 * Changes the file, or makes it: mode 0600, its directory 0700. What the change does not touch stays as written.
 * @throws ConfigFileError
 */
export async function editConfigFile(path: string, edits: readonly ConfigEdit[]): Promise<void> {
  const text = textOf(path);
  parsed(path, text);
  const edited = edits.reduce(editConfig, text);
  makeConfigDirectory(path);
  try {
    await writeFileAtomic(targetOf(path), edited, { mode: 0o600 });
  } catch (error) {
    throw refused(path, "can't be written", error);
  }
}

/** Makes the directory of the file where it is missing, for its owner alone. @throws ConfigFileError */
export function makeConfigDirectory(path: string): void {
  const directory = dirname(path);
  try {
    makeDirectories(directory, 0o700);
  } catch (error) {
    throw refused(path, `can't be written: ${directory} can't be made`, error);
  }
}

/**
 * Looks whether the file can be changed, before something is done elsewhere that would have to be undone.
 * @throws ConfigFileError
 */
export function prepareConfigFile(path: string): void {
  makeConfigDirectory(path);
  parsed(path, textOf(path));
  if (!canWriteConfig(path)) throw new ConfigFileError(`${path} can't be written: permission denied`);
}

function refused(path: string, what: string, error: unknown): ConfigFileError {
  return new ConfigFileError(`${path} ${what}: ${fileWords(error)}`);
}

/** Could the file be changed? It is replaced, so its directory counts, and where it is there itself, too. */
export function canWriteConfig(path: string): boolean {
  const target = targetOf(path);
  try {
    accessSync(dirname(target), constants.W_OK);
    if (configStamp(target) !== '') accessSync(target, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A link is kept: what it leads to is written. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Without the mark that some editors put before a text. */
function textOf(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readNamedFile(path, maxBytes);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw refused(path, "can't be read", error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const line = bytes.toString('utf8').split('\uFFFD')[0]!.split('\n').length;
    throw new ConfigFileError(`${path}:${line} is no valid TOML: it is not written in UTF-8`);
  }
}

function parsed(path: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    throw new ConfigFileError(tomlProblem(path, error));
  }
}

/** With the line of the key, or for one that is missing that of the table it belongs to. */
function told(path: string, text: string, problem: ConfigProblem): string {
  const line = tomlLine(text, problem.path) ?? tomlLine(text, problem.path.slice(0, -1));
  return `${path}${line === undefined ? '' : `:${line}`}: \`${nameOf(problem.path)}\` ${problem.text}`;
}

/** `runners[1].docker.image` */
function nameOf(path: KeyPath): string {
  return path.reduce<string>(
    (above, part) => (typeof part === 'number' ? `${above}[${part}]` : `${above}${above === '' ? '' : '.'}${part}`),
    '',
  );
}
