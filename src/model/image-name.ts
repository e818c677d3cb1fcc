/** What the name of an image says. */
export interface ImageName {
  /** `id`: the image's own id, which no registry knows. */
  readonly kind: 'name' | 'id';
  /** It may also be the begin of an image's id, in hexadecimal digits, if the engine has no image of the name. */
  readonly shortId?: string;
  /** As the engine is asked for it: with a tag, where neither tag nor digest is given. */
  readonly text: string;
  /** Host and port of the registry, lower case: `docker.io`, `registry.example.com:5000`; empty for an id. */
  readonly registry: string;
  /** `docker.io/library/node`: registry and repository, without tag and digest; empty for an id. */
  readonly path: string;
}

/** What can't be an image's name. */
export interface BadImageName {
  readonly kind: 'bad';
  /** A sentence that begins with the name. */
  readonly message: string;
  readonly hint: string;
}

const id = /^(?:sha256:)?[0-9a-f]{64}$/;
/** As short as engines print it, or longer. */
const shortId = /^(?:sha256:)?([0-9a-f]{12,63})$/;
const host = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d+)?$/;
const repository = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/** `node` → `node:latest`: an engine asked for a name without tag would pull every tag. */
export function withTag(image: string): string {
  if (image.includes('@') || id.test(image)) return image;
  return /:[^/]+$/.test(image) ? image : `${image}:latest`;
}

/**
 * Reads the name of an image as Docker does: the part before the first slash is a registry if it looks like a host.
 * Source: https://pkg.go.dev/github.com/distribution/reference
 * @returns what is wrong with it, and what may have been meant, if it can't be a name.
 */
export function parseImageName(text: string): ImageName | BadImageName {
  if (id.test(text)) return { kind: 'id', text, registry: '', path: '' };
  const { rest, digest } = splitDigest(text);
  const colon = rest.lastIndexOf(':');
  const tag = colon > rest.lastIndexOf('/') ? rest.slice(colon + 1) : undefined;
  const name = tag === undefined ? rest : rest.slice(0, colon);
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(0, slash));
  const hasHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const path = hasHost ? name.slice(slash + 1) : name;
  const isValid =
    repository.test(path) &&
    (!hasHost || host.test(first)) &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined || digestPattern.test(digest));
  if (!isValid) return badImageName(text, path);
  const registry = hasHost ? dockerHost(first.toLowerCase()) : 'docker.io';
  const official = registry === 'docker.io' && !path.includes('/');
  const start = shortId.exec(text)?.[1];
  return {
    kind: 'name',
    text: withTag(text),
    registry,
    path: `${registry}/${official ? 'library/' : ''}${path}`,
    ...(start === undefined ? {} : { shortId: start }),
  };
}

/** Docker Hub has several names. */
export function dockerHost(name: string): string {
  return name === 'index.docker.io' || name === 'registry-1.docker.io' ? 'docker.io' : name;
}

function splitDigest(text: string): { readonly rest: string; readonly digest: string | undefined } {
  const at = text.indexOf('@');
  return at < 0 ? { rest: text, digest: undefined } : { rest: text.slice(0, at), digest: text.slice(at + 1) };
}

function badImageName(text: string, path: string): BadImageName {
  const kind = 'bad';
  if (text.trim() === '') {
    return { kind, message: "the image's name is empty", hint: 'does it come from a variable that has no value?' };
  }
  const message = `\`${text}\` can't be the name of an image`;
  if (/^https?:\/\//.test(text)) {
    const meant = text.replace(/^https?:\/\//, '').replace(/\/$/, '');
    return { kind, message: `${message}: it is an address`, hint: `write \`${meant}\`` };
  }
  if (/[A-Z]/.test(path) && repository.test(path.toLowerCase())) {
    const hint = `did you mean \`${text.replace(path, path.toLowerCase())}\`?`;
    return { kind, message: `${message}: repositories are written in lower case`, hint };
  }
  return { kind, message, hint: 'expected `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`' };
}
