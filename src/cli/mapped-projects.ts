import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { CommandError, exitCodes } from './exit-code.ts';

/** Where other projects of the server lie on this machine: `group/name` → absolute path. */
export type MappedProjects = ReadonlyMap<string, string>;

/** Why another project can't be looked at, and what to do: the end of a sentence. */
export function notMapped(project: string): string {
  return `nobody has said where it lies: \`--project ${project}=PATH\``;
}

/**
 * Reads `--project group/name=PATH`; paths are relative to `cwd`.
 * @throws CommandError exit 2 for one that is no such pair or names no folder.
 */
export function readProjectFlags(cwd: string, flags: readonly string[]): MappedProjects {
  const projects = new Map<string, string>();
  for (const flag of flags) {
    const found = /^([^=]+)=(.+)$/.exec(flag);
    if (!found || !isProjectPath(found[1]!)) {
      const hint = 'for example --project group/templates=../templates';
      throw new CommandError(exitCodes.usage, `--project ${flag} is not GROUP/NAME=PATH`, hint);
    }
    const directory = resolve(cwd, found[2]!);
    if (!isDirectory(directory)) {
      throw new CommandError(exitCodes.usage, `--project ${flag}: there is no folder ${directory}`);
    }
    projects.set(found[1]!, directory);
  }
  return projects;
}

/**
 * Reads the table `[projects]` of a settings file; paths are relative to the file.
 * @param table.at names the place of an entry, for messages.
 * @param table.confined the folder that paths must not lead out of: the repository's own file may only name folders of
 * the repository.
 * @throws CommandError exit 2 for what is no such table.
 */
export function readProjectsTable(
  value: unknown,
  table: { readonly directory: string; readonly at: (name?: string) => string; readonly confined?: string },
): { readonly projects: MappedProjects; readonly warnings: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(exitCodes.usage, `${table.at()}: \`projects\` must be a table of paths`);
  }
  const projects = new Map<string, string>();
  const warnings: string[] = [];
  for (const [name, path] of Object.entries(value)) {
    const where = `${table.at(name)}: \`projects."${name}"\``;
    if (!isProjectPath(name) || typeof path !== 'string' || path === '') {
      const hint = 'for example "group/templates" = "../templates"';
      throw new CommandError(exitCodes.usage, `${where} must be the path of a project and that of a folder`, hint);
    }
    const directory = resolve(table.directory, path);
    if (!isDirectory(directory)) warnings.push(`${where}: there is no folder ${directory}`);
    else if (table.confined !== undefined && !liesIn(table.confined, directory)) {
      warnings.push(`${where} is ignored here: it leads out of the repository; put it into your own settings file`);
    } else projects.set(name, directory);
  }
  return { projects, warnings };
}

/** `group/name`, perhaps with the server's name before it. */
function isProjectPath(text: string): boolean {
  return /^[\w.-]+(?::\d+)?(?:\/[\w.-]+)+$/.test(text);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function liesIn(root: string, directory: string): boolean {
  const way = relative(realpathSync(root), realpathSync(directory));
  return !isAbsolute(way) && way.split(/[/\\]/)[0] !== '..';
}
