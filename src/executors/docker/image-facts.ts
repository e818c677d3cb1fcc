import type Dockerode from 'dockerode';
import type { ImageName } from '../../model/image-name.ts';
import { nearest } from '../../util/nearest.ts';
import { type Engine, statusOf } from './engine.ts';

/** What is known about an image that the engine has. */
export interface ImageFacts {
  readonly id: string;
  /** As in the image's configuration; `''` is root. */
  readonly user: string;
  /** `HOME` of the image's own environment; absent: `/etc/passwd` says it. */
  readonly home?: string;
  /** TCP ports that the image says it listens on, ascending. */
  readonly tcpPorts: readonly number[];
  /** The image's health check as its configuration has it: `CMD` or `CMD-SHELL`, then words. */
  readonly healthCheck?: readonly string[];
  /** Whether commands are started by a program of the image's. */
  readonly hasEntrypoint: boolean;
  /** `node@sha256:…`: what a registry knows it by; absent for images that were made here. */
  readonly digest?: string;
  /** `linux/amd64`, `linux/arm64/v8`. */
  readonly platform: string;
  /** What a container is created from: the image's name, or its id where the name does not say enough. */
  readonly reference: string;
}

/**
 * Looks an image up at the engine; undefined: it does not have it, or not for the platform.
 * @throws SystemError when the engine does not answer.
 */
export async function inspectImage(
  engine: Engine,
  name: ImageName,
  platform: string | undefined,
): Promise<ImageFacts | undefined> {
  try {
    const facts = factsOf(await inspect(engine, name, platform), name);
    return platform === undefined || isSamePlatform(platform, facts.platform) ? facts : undefined;
  } catch (error) {
    if (statusOf(error) !== 404) throw engine.failure(`look for image ${name.text}`, error);
    return name.shortId === undefined ? undefined : inspectByShortId(engine, name.shortId, platform);
  }
}

/** The image whose id begins so, if there is exactly one. */
async function inspectByShortId(
  engine: Engine,
  shortId: string,
  platform: string | undefined,
): Promise<ImageFacts | undefined> {
  const images = await engine.api.listImages().catch((error: unknown) => {
    throw engine.failure(`look for image ${shortId}`, error);
  });
  const [found, ...others] = images.filter(({ Id }) => Id.replace(/^\w+:/, '').startsWith(shortId));
  if (found === undefined || others.length > 0) return undefined;
  return inspectImage(engine, { kind: 'id', text: found.Id, registry: '', path: '' }, platform);
}

/** The image that the engine has whose name is most like a wrong one; undefined if none is. */
export async function similarImage(engine: Engine, name: ImageName): Promise<string | undefined> {
  // Somebody waits for the true reason: not to know more is no failure.
  const images = await engine.api.listImages().catch(() => []);
  const tags = images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag !== name.text);
  return nearest(name.text, tags, 1)[0];
}

type Inspected = Dockerode.ImageInspectInfo;

function inspect(engine: Engine, name: ImageName, platform: string | undefined): Promise<Inspected> {
  if (platform === undefined) return engine.api.getImage(name.text).inspect();
  // Engines that keep an image for several platforms tell of the one asked for; older ones have no such question.
  const { os, architecture, variant } = platformParts(platform);
  const asked = JSON.stringify({ os, architecture, ...(variant === '' ? {} : { variant }) });
  return new Promise((resolve, reject) => {
    const request = { path: `/images/${name.text}/json?`, method: 'GET', statusCodes: { 200: true, 404: 'not there' } };
    engine.api.modem.dial({ ...request, options: { platform: asked } }, (error: unknown, result: unknown) =>
      error ? reject(error) : resolve(result as Inspected),
    );
  });
}

function factsOf(inspected: Inspected, name: ImageName): ImageFacts {
  const { Id, Os, Architecture, Variant, RepoDigests } = inspected;
  const config = inspected.Config as Partial<typeof inspected.Config> & {
    readonly Healthcheck?: { readonly Test?: readonly string[] };
  };
  const ports = Object.keys(config.ExposedPorts ?? {}).filter((port) => port.endsWith('/tcp'));
  const test = config.Healthcheck?.Test;
  const entrypoint = config.Entrypoint ?? [];
  const [digest] = RepoDigests ?? [];
  const home = config.Env?.findLast((each) => each.startsWith('HOME='))?.slice('HOME='.length);
  return {
    id: Id,
    reference: name.text,
    user: config.User ?? '',
    ...(home === undefined || home === '' ? {} : { home }),
    tcpPorts: ports.map((port) => Number.parseInt(port, 10)).sort((a, b) => a - b),
    ...(test === undefined || test[0] === 'NONE' ? {} : { healthCheck: test }),
    hasEntrypoint: entrypoint.length > 0,
    platform: [Os, Architecture, Variant].filter((part) => part).join('/'),
    ...(digest === undefined ? {} : { digest }),
  };
}

const sameNames: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  i386: '386',
};

/** `linux/arm64/v8`, `linux/arm64`, `arm64`. Source: https://pkg.go.dev/github.com/containerd/platforms */
function platformParts(text: string): { readonly os: string; readonly architecture: string; readonly variant: string } {
  const parts = text.toLowerCase().split('/');
  const [os, architecture = '', variant = ''] = parts.length === 1 ? ['linux', ...parts] : parts;
  const name = sameNames[architecture] ?? architecture;
  // The one variant that there is of it.
  return { os: os!, architecture: name, variant: name === 'arm64' && variant === 'v8' ? '' : variant };
}

/** An engine that does not tell the platform is believed. */
function isSamePlatform(wanted: string, had: string): boolean {
  if (had === '') return true;
  const [a, b] = [platformParts(wanted), platformParts(had)];
  const sameVariant = a.variant === '' || b.variant === '' || a.variant === b.variant;
  return a.os === b.os && a.architecture === b.architecture && sameVariant;
}
