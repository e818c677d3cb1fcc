import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { CommandError, exitCodes } from './exit-code.ts';

/** Names that are looked for, in this order. */
export const pipelineFileNames = ['.ci.yml', '.ci.yaml', '.gitlab-ci.yml', '.circleci/config.yml'] as const;

/** The file that a command is about, and the project that it belongs to. */
export interface PipelineFile {
  /** Absolute path of the file. */
  readonly path: string;
  /** Absolute path of the project's root: where the pipeline's paths start. */
  readonly root: string;
}

/**
 * Finds the pipeline file: `file` if given, else the first known name in `cwd` or the nearest parent up to the
 * repository's root. The project root is the folder of a file found by name; with `file` the git top level of the
 * working directory, without git the working directory.
 * @throws CommandError exit 3 when there is none.
 */
export function findPipelineFile(cwd: string, file: string | undefined): PipelineFile {
  if (file !== undefined) {
    const path = resolve(cwd, file);
    if (!existsSync(path)) throw new CommandError(exitCodes.invalidFile, `there is no file ${file}`);
    if (statSync(path).isDirectory()) {
      throw new CommandError(
        exitCodes.invalidFile,
        `${file} is a folder`,
        `to work in another folder: ci -C ${file} …`,
      );
    }
    const topLevel = enclosingRepository(cwd) ?? cwd;
    return { path, root: contains(topLevel, path) ? topLevel : cwd };
  }
  for (const directory of parents(cwd)) {
    for (const name of pipelineFileNames) {
      const path = join(directory, name);
      if (existsSync(path)) return { path, root: directory };
    }
  }
  throw new CommandError(
    exitCodes.invalidFile,
    `no pipeline file here: looked for ${pipelineFileNames.join(', ')} in ${cwd} and its parents up to the repository's root`,
    'write one (see the README for a first .ci.yml), or name it with -f FILE',
  );
}

/** The folder with `.git` around `directory`, or undefined. Does not start git. */
export function enclosingRepository(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** The path as messages show it: relative to `root` with forward slashes, or absolute when it lies outside. */
export function displayPath(root: string, path: string): string {
  return contains(root, path) ? relative(root, path).split('\\').join('/') : path;
}

function contains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

function parents(directory: string): string[] {
  const all = [directory];
  const root = enclosingRepository(directory);
  if (root === undefined) return all;
  for (let at = directory; at !== root && dirname(at) !== at; ) {
    at = dirname(at);
    all.push(at);
  }
  return all;
}
