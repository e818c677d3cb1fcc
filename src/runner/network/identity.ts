import { arch, platform } from 'node:os';

/** Who we are, as every request and the server's list of runners say it. */
export interface RunnerIdentity {
  readonly name: string;
  readonly version: string;
  readonly revision: string;
  /** Names of Go's: `linux`, `darwin`, `windows`. */
  readonly platform: string;
  /** Names of Go's: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** This program on this machine. @param build its version and the commit that it was built from. */
export function ownIdentity(build: { readonly version: string; readonly revision: string }): RunnerIdentity {
  return { name: 'pipewright', ...build, platform: goPlatform(platform()), architecture: goArchitecture(arch()) };
}

function goPlatform(name: string): string {
  return name === 'win32' ? 'windows' : name;
}

function goArchitecture(name: string): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le', mipsel: 'mipsle' };
  return names[name] ?? name;
}

/**
 * The header `User-Agent`, in the form of GitLab Runner's: servers, and what stands in front of them, tell runners by
 * its first word. Our own name stands where its branch does.
 */
export function userAgent(identity: RunnerIdentity): string {
  const { name, version, platform, architecture } = identity;
  return `gitlab-runner ${version} (${name}; node${process.versions.node}; ${platform}/${architecture})`;
}
