import { tmpdir } from 'node:os';
import type { Checked } from '../diagnostics/diagnostic.ts';
import type { LoadedFile } from '../model/included-file.ts';
import { runGit } from '../util/git.ts';
import { checkAddress } from '../util/guarded-get.ts';
import type { ProjectAddress } from './fetch-project.ts';
import { fetchedProject } from './fetched-project.ts';
import { type GitServer, serverAt, tokenSettings } from './git-server.ts';
import type { IncludeAccess } from './include-access.ts';
import { type Had, had, trouble } from './include-trouble.ts';
import type { ProjectRepository } from './project-repository.ts';
import { type RemoteFile, readRemote } from './remote-file.ts';

/** Files that lie on other machines: in the store, or to be fetched. */
export interface Elsewhere {
  /** @param host absent: the server of the pipeline's project. */
  repository(project: string, host?: string): ProjectRepository;
  remote(file: RemoteFile): Promise<Had<LoadedFile>>;
  /** @param reference `namespace/orb@version`. */
  orb(reference: string): Promise<Checked<LoadedFile>>;
}

/** Gives access to what lies elsewhere. Loaded only when a file includes something from there. */
export function elsewhere(access: IncludeAccess): Elsewhere {
  return {
    repository: (project, host) => {
      const home = access.server();
      const isHome = host === undefined || host === home?.host;
      const server = isHome ? home : serverAt(host);
      const address = server
        ? () => (isHome ? reached(server, project, access, []) : guarded(server, project, access))
        : async () => trouble('not-fetched', 'it is not known on which server it lies', unknownServer(project));
      return fetchedProject({ project, isHome, host: server?.host ?? host ?? 'the server', address }, access);
    },
    remote: (file) => readRemote(file, access),
    orb: async (reference) => {
      const { readOrb, toldOfOrb } = await import('./orb-registry.ts');
      const found = await readOrb(reference, access);
      if (found.kind === 'had') return { value: found.value, diagnostics: [] };
      if (access.policy !== 'never') access.onMissing(reference, found.trouble.why ?? '');
      return toldOfOrb(found.trouble);
    },
  };
}

function unknownServer(project: string): string {
  return `the repository has no \`origin\`: set \`gitlab-url\` in your settings, or --project ${project}=PATH`;
}

async function reached(
  server: GitServer,
  project: string,
  { env, token }: IncludeAccess,
  settings: ProjectAddress['settings'],
): Promise<Had<ProjectAddress>> {
  if (!/^[\w.-]+(\/[\w.-]+)+$/.test(project) || project.split('/').some((part) => /^(\.+|-.*)$/.test(part))) {
    return trouble('missing', `\`${project}\` is no path of a project`);
  }
  return had({
    url: server.address(project),
    protocols: [server.protocol],
    settings: [...tokenSettings(server, token(server.host)), ...sshSettings(server, env), ...settings],
    env,
  });
}

/** An ssh that asks nothing, on no terminal; the user's own command stays. */
function sshSettings({ protocol }: GitServer, env: IncludeAccess['env']): ProjectAddress['settings'] {
  if (protocol !== 'ssh' || env['GIT_SSH_COMMAND'] || env['GIT_SSH']) return [];
  const own = runGit(['config', '--global', '--get', 'core.sshCommand'], { cwd: tmpdir(), env });
  const command = own.kind === 'ok' ? own.stdout.trim() : 'ssh';
  return [['core.sshCommand', `${command} -oBatchMode=yes -oConnectTimeout=15`]];
}

/** A host that a stranger may have written: git is held to the addresses that were looked at. */
async function guarded(server: GitServer, project: string, access: IncludeAccess): Promise<Had<ProjectAddress>> {
  const url = new URL(server.address(project));
  const checked = await checkAddress(url, access);
  if (checked.kind === 'refused') {
    const hint = 'hosts of your own can be allowed with `allow-private-includes` in your settings';
    return trouble('refused', checked.why, hint);
  }
  if (checked.kind === 'failed') return trouble('not-fetched', checked.why);
  const { addresses } = checked;
  const pins = addresses.map((address) => (address.includes(':') ? `[${address}]` : address)).join(',');
  const pinned: ProjectAddress['settings'] =
    pins === '' ? [] : [['http.curloptResolve', `${url.hostname}:${url.port || 443}:${pins}`]];
  return reached(server, project, access, [...pinned, ['http.followRedirects', 'false']]);
}
