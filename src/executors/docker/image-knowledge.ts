import { existsInContainer } from './container-file.ts';
import { type Owner, resolveOwner, rootOwner } from './container-owner.ts';
import type { Engine } from './engine.ts';
import type { ImageFacts } from './images.ts';

/** What only a look into a container of the image tells, looked up once an image. */
export interface InsideFacts {
  readonly shell: 'bash' | 'sh';
  /** How to start it. */
  readonly shellFile: string;
  readonly owner: Owner;
}

const bashPaths = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'];

/** Remembers what is inside of images. */
export class ImageKnowledge {
  readonly #engine: Engine;
  readonly #known = new Map<string, Promise<InsideFacts>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * @param container any container of the image, started or not.
   * @param user the job's own `user`, if it names one.
   */
  inside(image: ImageFacts, container: string, user: string | undefined): Promise<InsideFacts> {
    const key = `${image.id} ${user ?? ''}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#look(container, user ?? image.user);
      known.catch(() => this.#known.delete(key));
      this.#known.set(key, known);
    }
    return known;
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
