import type { Checked, Diagnostic } from '../diagnostics/diagnostic.ts';
import type { ComponentContext, LoadedFile } from '../model/included-file.ts';
import { chooseVersion } from './component-version.ts';
import type { ProjectRepository, ProjectTree } from './project-repository.ts';

/** A component's address taken apart. */
export interface ComponentAddress {
  /** With a port where the address has one. */
  readonly host: string;
  readonly project: string;
  readonly name: string;
  /** What stands behind the `@`. */
  readonly version: string;
}

/**
 * Takes `host/group/project/name@version` apart: the last slash divides the project from the component's name.
 * Source: https://docs.gitlab.com/ci/components/#use-a-component
 */
export function parseComponentAddress(address: string): ComponentAddress | undefined {
  const found = /^([A-Za-z0-9[][\w.:[\]-]*)\/([\w.-]+(?:\/[\w.-]+)+)\/([\w.-]+)@([^\s@]+)$/.exec(address);
  if (!found) return undefined;
  const [, host, project, name, version] = found;
  if (project!.split('/').some((part) => /^\.+$/.test(part))) return undefined;
  return { host: host!.toLowerCase(), project: project!, name: name!, version: version! };
}

/** What is wrong with an address, as a diagnostic. */
export function badAddress(address: string): Diagnostic {
  return {
    code: 'gitlab/include-address',
    severity: 'error',
    message: `\`${address}\` is not the address of a component`,
    hint: 'write host/group/project/component@version, for example $CI_SERVER_FQDN/group/project/component@1.0.0',
  };
}

/**
 * Reads a component: chooses the version, then `templates/NAME.yml`, else `templates/NAME/template.yml`.
 * Source: https://docs.gitlab.com/ci/components/#directory-structure
 */
export async function readComponent(
  address: ComponentAddress,
  repository: ProjectRepository,
): Promise<Checked<LoadedFile>> {
  const refs = await repository.refs();
  if (refs.value === undefined) return { value: undefined, diagnostics: refs.diagnostics };
  const chosen = chooseVersion(address.version, refs.value);
  if (chosen.kind === 'none') return notFound(address, chosen.why, chosen.hint);
  const { value: tree, diagnostics } = await repository.tree(chosen.ref);
  if (tree === undefined) return { value: undefined, diagnostics };
  for (const path of [`templates/${address.name}.yml`, `templates/${address.name}/template.yml`]) {
    const { value = [] } = await tree.files(path);
    if (value[0] !== undefined) {
      return { value: inComponent(value[0], tree, contextOf(address, tree, chosen.version)), diagnostics: [] };
    }
  }
  const why = `there is neither \`templates/${address.name}.yml\` nor \`templates/${address.name}/template.yml\``;
  return notFound(address, `${why} at \`${address.version}\``);
}

function contextOf({ name, version: reference }: ComponentAddress, tree: ProjectTree, version: string | undefined) {
  return {
    name,
    reference,
    ...(tree.sha === undefined ? {} : { sha: tree.sha }),
    ...(version === undefined ? {} : { version }),
  };
}

function inComponent(file: LoadedFile, tree: ProjectTree, component: ComponentContext): LoadedFile {
  return { ...file, origin: { ...tree.origin, component } };
}

function notFound(address: ComponentAddress, why: string, hint?: string): Checked<LoadedFile> {
  return {
    value: undefined,
    diagnostics: [
      {
        code: 'gitlab/include-not-found',
        severity: 'error',
        message: `the component \`${address.name}\` of \`${address.project}\` can't be read: ${why}`,
        ...(hint === undefined ? {} : { hint }),
      },
    ],
  };
}
