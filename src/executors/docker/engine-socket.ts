import type { ContainerOptions } from './container-options.ts';
import type { Engine } from './engine.ts';

/** Options with the path of the engine's socket in place of the wish for it. */
export async function withSocketPath(options: ContainerOptions, engine: Engine): Promise<ContainerOptions> {
  if (options.mountSocket !== true) return options;
  const usual = '/var/run/docker.sock';
  const path = /^unix:\/\/(\/.*)$/.exec(engine.text)?.[1];
  // In a virtual machine the engine listens at the usual place, wherever its socket appears on this one.
  const isHere = path !== undefined && engine.isLocal && !(await engine.facts()).isDesktop;
  return { ...options, mountSocket: isHere ? path : usual };
}
