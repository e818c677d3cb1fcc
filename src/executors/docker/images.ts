import type { ImageName } from '../../model/image-name.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import type { Image, PullPolicy } from '../../model/pipeline.ts';
import type { LogSink } from '../../model/ports.ts';
import { unlessAborted } from '../../util/unless-aborted.ts';
import type { OpenWatcher } from '../executor.ts';
import { type ImageFacts, inspectImage, similarImage } from './image-facts.ts';
import { readImageName } from './image-name.ts';
import { type FailedPolicy, noImage } from './no-image.ts';
import { PullFailure, type PullSettings, type PullWatcher } from './pull.ts';
import { type ChosenPolicies, choosePolicies, type PullRules } from './pull-policies.ts';
import { findLogin, givenLogin, type LoginPlaces, type RegistryLogin } from './registry-auth.ts';
import { imageKey, type PulledImage, SharedPulls } from './shared-pulls.ts';
import { tellPull } from './tell-pull.ts';

/** Images as one job gets them. */
export interface Images {
  /**
   * Makes sure that the engine has the image. Policies are tried in order, each failure is told in the job's log.
   * @throws SystemError image_pull_failure that names what each policy came to.
   */
  ensure(image: Image, out: LogSink, signal: AbortSignal): Promise<ImageFacts>;
}

/** What decides which images there are, and how they are pulled. */
export interface ImageSettings extends PullSettings, PullRules {
  readonly logins: LoginPlaces;
}

/** One image that a job wants. */
interface Wanted {
  readonly name: ImageName;
  readonly platform: string | undefined;
  readonly key: string;
  readonly chosen: ChosenPolicies;
  readonly login: Image['login'];
  readonly job: JobSpec;
  readonly watcher: OpenWatcher | undefined;
  readonly out: LogSink;
  readonly signal: AbortSignal;
}

type Tried = { readonly facts: ImageFacts } | (Omit<FailedPolicy, 'policy'> & { readonly loginFrom?: string });

/** Images of one engine during one run: jobs share pulls, and what is known. */
export class ImageStore {
  readonly #settings: ImageSettings;
  readonly #pulls: SharedPulls;
  readonly #known = new Map<string, ImageFacts>();
  /** By name: most engines keep one platform's image under a name, the one that was pulled last. */
  readonly #platforms = new Map<string, Set<string | undefined>>();
  /** Of a run's warnings about logins each is told once. */
  readonly #warned = new Set<string>();

  constructor(settings: ImageSettings) {
    this.#settings = settings;
    this.#pulls = new SharedPulls(settings, (key, facts) => this.#known.set(key, facts));
  }

  /** @param watcher told of the job's pulls. */
  forJob(job: JobSpec, watcher?: OpenWatcher): Images {
    // For an image and a service of one name once is enough, whatever the policy.
    const used = new Map<string, ImageFacts>();
    return {
      ensure: async (image, out, signal) => {
        const name = readImageName(image.name);
        const { platform, login } = image;
        const key = imageKey({ image: name, ...(platform === undefined ? {} : { platform }) });
        const chosen = choosePolicies(image, this.#settings);
        const facts =
          used.get(key) ?? (await this.#have({ name, platform, key, chosen, login, job, watcher, out, signal }));
        used.set(key, facts);
        return this.#isAmbiguous(name, platform) ? { ...facts, reference: facts.id } : facts;
      },
    };
  }

  async #have(wanted: Wanted): Promise<ImageFacts> {
    const { name, platform, chosen, out, signal } = wanted;
    const failures: FailedPolicy[] = [];
    let loginFrom: string | undefined;
    for (const [index, policy] of chosen.policies.entries()) {
      signal.throwIfAborted();
      if (index > 0) await say(out, `Attempt #${index + 1}: Trying "${policy}" pull policy`);
      const tried = await this.#try(policy, wanted);
      if ('facts' in tried) {
        this.#known.set(wanted.key, tried.facts);
        await say(out, usingText(name, tried.facts));
        return tried.facts;
      }
      const { loginFrom: from, ...failed } = tried;
      failures.push({ policy, ...failed });
      loginFrom = from ?? loginFrom;
      await say(out, `WARNING: Failed to pull image with policy "${policy}": ${tried.reason}`);
    }
    const { engine } = this.#settings;
    const mayBeThere = failures.some(({ policy, trouble }) => policy === 'always' && trouble !== undefined);
    const isThere = mayBeThere && (await inspectImage(engine, name, platform)) !== undefined;
    const isUnknown = failures.every(({ trouble }) => trouble === undefined || unknown.has(trouble.kind));
    const any = isThere || platform === undefined ? undefined : await inspectImage(engine, name, undefined);
    const otherPlatform = any?.platform || undefined;
    const similar = isUnknown && !isThere && any === undefined ? await similarImage(engine, name) : undefined;
    throw noImage({
      name,
      platform,
      chosen,
      failures,
      loginFrom,
      isThere,
      otherPlatform,
      similar,
      engine: engine.text,
    });
  }

  async #try(policy: PullPolicy, wanted: Wanted): Promise<Tried> {
    const { name, platform, chosen } = wanted;
    const mayPull = policy !== 'never' && name.kind !== 'id';
    if (policy === 'always' && mayPull) return this.#pull(wanted, policy);
    // What a name stands for may have been built anew by an earlier job.
    const isFixed = name.kind === 'id' || this.#isAmbiguous(name, platform);
    const known = isFixed ? this.#known.get(wanted.key) : undefined;
    const facts = known ?? (await inspectImage(this.#settings.engine, name, platform));
    if (facts !== undefined) {
      await say(wanted.out, `Using locally found image version due to ${reasonFor(policy, chosen)}`);
      return { facts };
    }
    if (mayPull) return this.#pull(wanted, policy);
    const missing = `the engine does not have it${platform === undefined ? '' : ` for ${platform}`}`;
    return { reason: chosen.by === 'offline' ? `\`--offline\` pulls nothing, and ${missing}` : missing };
  }

  async #pull(wanted: Wanted, policy: PullPolicy): Promise<Tried> {
    const { name, platform, out, signal } = wanted;
    const login = await this.#login(wanted);
    const meanwhile = policy === 'always' ? undefined : this.#known.get(wanted.key);
    if (meanwhile !== undefined) return { facts: meanwhile };
    const order = {
      image: name,
      ...(platform === undefined ? {} : { platform }),
      ...(login === undefined ? {} : { login }),
    };
    try {
      const pull = (told: PullWatcher): Promise<PulledImage> => this.#pulls.pull(order, told, signal);
      const { facts } = await tellPull(name.text, out, wanted.watcher, pull);
      return facts === undefined ? { reason: 'it was pulled, but the engine does not have it' } : { facts };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PullFailure)) throw error;
      const { trouble } = error;
      if (trouble.kind === 'unauthorized' || trouble.kind === 'denied') this.#settings.logins.helpers.forget();
      return { reason: trouble.reason, trouble, ...(login === undefined ? {} : { loginFrom: login.source }) };
    }
  }

  async #login({ name, login: given, job, out, signal }: Wanted): Promise<RegistryLogin | undefined> {
    const own = given && givenLogin(name, given);
    if (own !== undefined) {
      await say(out, `Authenticating with credentials from ${own.source}`);
      return own;
    }
    const warnings = new Set<string>();
    const variable = job.variables.findLast((one) => one.name === 'DOCKER_AUTH_CONFIG');
    if (variable?.file) warnings.add("the job's DOCKER_AUTH_CONFIG is a file variable, so no login is taken from it");
    const finding = findLogin(name, this.#settings.logins, {
      ...(variable === undefined || variable.file ? {} : { authConfig: variable.value }),
      ...(job.registryLogins === undefined ? {} : { credentials: job.registryLogins }),
      warn: (text) => void warnings.add(text),
    });
    const login = await unlessAborted(finding, signal);
    for (const text of warnings) {
      if (this.#warned.has(text)) continue;
      this.#warned.add(text);
      await say(out, `WARNING: ${text}`);
    }
    if (login !== undefined) await say(out, `Authenticating with credentials from ${login.source}`);
    return login;
  }

  /** Do jobs of this run want the name for several platforms? */
  #isAmbiguous(name: ImageName, platform: string | undefined): boolean {
    const platforms = this.#platforms.get(name.text) ?? new Set();
    this.#platforms.set(name.text, platforms.add(platform));
    return platforms.size > 1;
  }
}

/** Troubles that a mistyped name may have. */
const unknown: ReadonlySet<string> = new Set(['not-found', 'denied', 'unknown-host']);

function reasonFor(policy: PullPolicy, { by }: ChosenPolicies): string {
  return by === 'offline' ? '`--offline`' : `"${policy}" pull policy`;
}

/** As GitLab Runner writes it. */
function usingText({ text, kind }: ImageName, { id, digest }: ImageFacts): string {
  if (kind === 'id') return `Using docker image ${id} ...`;
  return `Using docker image ${id} for ${text}${digest === undefined ? '' : ` with digest ${digest}`} ...`;
}

/** Writes one line to a job's log. */
export function say(out: LogSink, line: string): Promise<void> {
  return out.write(Buffer.from(`${line}\n`));
}
