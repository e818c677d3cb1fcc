import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { LoadedFile } from '../model/included-file.ts';
import { chooseVersion } from './component-version.ts';
import { type Had, had, trouble } from './include-trouble.ts';
import type { ProjectRepository } from './project-repository.ts';

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
): Promise<Had<LoadedFile>> {
  const { name, version: wanted } = address;
  const refs = await repository.refs(wanted);
  if (refs.kind === 'trouble') return refs;
  const chosen = chooseVersion(wanted, refs.value);
  if (chosen.kind === 'none') return trouble('missing', chosen.why, chosen.hint);
  const found = await repository.tree(chosen.ref, chosen.sha);
  if (found.kind === 'trouble') return found;
  const { sha, origin, files } = found.value;
  const version = chosen.version === undefined ? {} : { version: chosen.version };
  if (sha !== undefined) repository.onUsed?.(wanted, { sha, ...version });
  const component = { name, reference: wanted, ...version, ...(sha === undefined ? {} : { sha }) };
  const paths = [`templates/${name}.yml`, `templates/${name}/template.yml`];
  for (const path of paths) {
    const [file] = (await files(path)).value ?? [];
    if (file !== undefined) return had({ ...file, origin: { ...origin, component } });
  }
  const [first, second] = paths;
  return trouble('missing', `at \`${wanted}\` there is neither \`${first}\` nor \`${second}\``);
}
