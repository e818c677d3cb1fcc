import { existsSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Place, Programs, Side } from './workload.ts';

type Extra = Omit<Side, 'role' | 'command'> & { readonly env?: Readonly<Record<string, string>> };

type Arguments = readonly string[] | ((place: Place) => readonly string[]);

function given(args: Arguments, place: Place): readonly string[] {
  return typeof args === 'function' ? args(place) : args;
}

/** Our own `ci` in the project. */
export function ours(args: Arguments, extra: Extra = {}): Side {
  const { env, ...rest } = extra;
  return {
    role: 'ours',
    ...rest,
    command: (place) => ({
      argv: [place.programs.node, place.programs.ci, ...given(args, place)],
      cwd: place.project,
      env: { CI_CLI_HOME: place.home, ...env },
    }),
  };
}

/** `skip` for what mounts overlays. */
export function needsOverlays({ noOverlays }: Programs): string | undefined {
  return noOverlays;
}

/** One of the programs in `limits/`. */
export function limit(
  program: string,
  args: (place: Place) => readonly string[],
  extra: Omit<Side, 'role' | 'command'> = {},
): Side {
  return {
    role: 'limit',
    ...extra,
    command: (place) => ({
      argv: [place.programs.node, join(place.programs.limits, program), ...args(place)],
      cwd: place.project,
    }),
  };
}

/** gitlab-ci-local on its newer Node; its own state folder is removed before each run unless it is kept. */
export function gitlabCiLocal(args: Arguments, extra: Extra = {}): Side {
  const { env, skip, before, ...rest } = extra;
  return {
    role: 'peer',
    mostRuns: 3,
    ...rest,
    skip: (programs) => {
      if (programs.peers === undefined) return 'no peers';
      return skip?.(programs);
    },
    before: (place) => {
      if (rest.state !== 'kept') rmSync(join(place.project, '.gitlab-ci-local'), { recursive: true, force: true });
      before?.(place);
    },
    command: (place) => ({
      argv: [
        join(place.programs.peers!, 'node_modules/node/bin/node'),
        join(place.programs.peers!, 'node_modules/gitlab-ci-local/dist/index.js'),
        '--home',
        place.home,
        ...given(args, place),
      ],
      cwd: place.project,
      env: { PATH: peerPath(place.programs), ...env },
    }),
  };
}

/** gitlab-ci-local with a tree of its own for each job, which takes rsync. */
export function gitlabCiLocalIsolated(args: Arguments = [], extra: Extra = {}): Side {
  const all = (place: Place) => ['--shell-isolation', '--concurrency', '2', ...given(args, place)];
  return gitlabCiLocal(all, { skip: needsRsync, ...extra });
}

/** gitlab-ci-local in the working tree itself; even so it runs rsync before the first job. */
export function gitlabCiLocalInPlace(args: Arguments = [], extra: Extra = {}): Side {
  return gitlabCiLocal((place) => ['--concurrency', '2', ...given(args, place)], { skip: needsRsync, ...extra });
}

/** PATH with the folder `bin` of the peers at its head: for programs that a peer needs and the machine does not have. */
function peerPath({ peers }: Programs): string {
  return `${join(peers!, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`;
}

/** `skip` for what makes gitlab-ci-local run jobs. */
export function needsRsync(programs: Programs): string | undefined {
  if (programs.peers === undefined || hasProgram('rsync', peerPath(programs))) return undefined;
  return 'rsync is not installed';
}

/** wireit's script `all`, started without npm's own 0.25 s. Without a terminal its default is to show no output. */
export function wireit(extra: Extra = {}): Side {
  const { env, ...rest } = extra;
  return {
    role: 'peer',
    ...rest,
    skip: ({ peers }) => (peers === undefined ? 'no peers' : undefined),
    before: (place) => rmSync(join(place.project, '.wireit'), { recursive: true, force: true }),
    command: ({ programs, project }) => ({
      argv: [programs.node, join(programs.peers!, 'node_modules/wireit/bin/wireit.js')],
      cwd: project,
      env: {
        npm_package_json: join(project, 'package.json'),
        npm_lifecycle_event: 'all',
        npm_config_user_agent: 'npm/10.0.0 node/v20.0.0 linux x64 workspaces/false',
        WIREIT_CACHE: 'none',
        WIREIT_PARALLEL: '2',
        WIREIT_LOGGER: 'simple',
        ...env,
      },
    }),
  };
}

function hasProgram(name: string, path: string): boolean {
  return path.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}
