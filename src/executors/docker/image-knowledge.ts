import { posix } from 'node:path';
import { existsInContainer } from './container-file.ts';
import { type Owner, resolveHome, resolveOwner, rootOwner } from './container-owner.ts';
import type { Engine } from './engine.ts';
import type { ImageFacts } from './image-facts.ts';
import { type JobPlace, namedPlace } from './job-place.ts';

/** What only a look into a container of the image tells, looked up once an image. */
export interface InsideFacts {
  readonly shell: 'bash' | 'sh';
  /** How to start it. */
  readonly shellFile: string;
  readonly owner: Owner;
}

/** Where a job wants to live in a container of an image. */
export interface WantedPlace {
  readonly image: ImageFacts;
  /** The job's own `user`, if it names one. */
  readonly user: string | undefined;
  /** `~`, `~/…` or absolute. */
  readonly directory: string;
  readonly temporaryDirectory: string;
  /** In place of the user's. */
  readonly home?: string;
}

/** Makes a container for a look into its image. */
export type Looking = <T>(look: (container: string) => Promise<T>) => Promise<T>;

const shPaths = ['/bin/sh', '/usr/bin/sh', '/busybox/sh'];
const bashPaths = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'];

/** Remembers what is inside of images. */
export class ImageKnowledge {
  readonly #engine: Engine;
  readonly #known = new Map<string, Promise<InsideFacts>>();
  readonly #found = new Map<string, InsideFacts>();
  readonly #places = new Map<string, Promise<JobPlace>>();
  readonly #shells = new Map<string, Promise<string | undefined>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * @param container any container of the image, started or not.
   * @param user the job's own `user`, if it names one.
   */
  inside(image: ImageFacts, container: string, user: string | undefined): Promise<InsideFacts> {
    const key = keyOf(image, user);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#look(container, user ?? image.user);
      known.then(
        (facts) => this.#found.set(key, facts),
        () => this.#known.delete(key),
      );
      this.#known.set(key, known);
    }
    return known;
  }

  /** The place of a job that says where it works, looked up once for an image, a user and a directory. */
  place(wanted: WantedPlace, look: Looking): Promise<JobPlace> {
    const { image, user, directory, temporaryDirectory } = wanted;
    const key = [keyOf(image, user), directory, temporaryDirectory, wanted.home ?? ''].join('\n');
    let known = this.#places.get(key);
    if (known === undefined) {
      known = look((container) => this.#lookForPlace(wanted, container));
      known.catch(() => this.#places.delete(key));
      this.#places.set(key, known);
    }
    return known;
  }

  async #lookForPlace({ image, user, ...wanted }: WantedPlace, container: string): Promise<JobPlace> {
    const engine = this.#engine;
    const home = wanted.home ?? image.home ?? (await resolveHome(engine, container, user ?? image.user));
    const { directory, temporaryDirectory } = wanted;
    return namedPlace({ engine, container, home: posix.resolve('/', home), directory, temporaryDirectory });
  }

  /** Id of the user that scripts run as; undefined as long as only a look into the image can tell. */
  userId(image: ImageFacts, user: string | undefined): number | undefined {
    const name = (user ?? image.user).split(':')[0]!;
    if (name === '' || name === 'root') return 0;
    return /^\d+$/.test(name) ? Number(name) : this.#found.get(keyOf(image, user))?.owner.uid;
  }

  /**
   * Absolute path of a POSIX shell; undefined: there is none in the usual places.
   * @param container any container of the image, started or not.
   */
  shellPath({ id }: ImageFacts, container: string): Promise<string | undefined> {
    let known = this.#shells.get(id);
    if (known === undefined) {
      known = this.#firstOf(shPaths, container);
      known.catch(() => this.#shells.delete(id));
      this.#shells.set(id, known);
    }
    return known;
  }

  async #firstOf(paths: readonly string[], container: string): Promise<string | undefined> {
    for (const path of paths) if (await existsInContainer(this.#engine, container, path)) return path;
    return undefined;
  }

  async #look(container: string, user: string): Promise<InsideFacts> {
    const [owner, ...found] = await Promise.all([
      user === '' ? rootOwner : resolveOwner(this.#engine, container, user),
      ...bashPaths.map((path) => existsInContainer(this.#engine, container, path)),
    ]);
    const bash = bashPaths[found.indexOf(true)];
    return { shell: bash === undefined ? 'sh' : 'bash', shellFile: bash ?? 'sh', owner };
  }
}

function keyOf(image: ImageFacts, user: string | undefined): string {
  return `${image.id} ${user ?? ''}`;
}
