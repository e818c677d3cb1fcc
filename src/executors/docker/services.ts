import { withTag } from '../../model/image-name.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import { limitText, SystemError } from '../../model/outcome.ts';
import type { Service } from '../../model/pipeline.ts';
import type { LogSink } from '../../model/ports.ts';
import { type OwnVolumes, serviceContainerOptions } from './container-config.ts';
import { type ContainerOptions, isPrivilegedService, optionsForService } from './container-options.ts';
import type { Engine } from './engine.ts';
import { serviceProblem } from './image-problems.ts';
import { type Images, say } from './images.ts';
import type { JobNetwork } from './job-network.ts';
import { labelsFor } from './labels.ts';
import { debugsServices, type FollowedLog, followLog, lastLines } from './service-logs.ts';
import { isEngineImage, type NamedService, nameServices } from './service-names.ts';
import { namesNoPort, waitForService } from './service-readiness.ts';

/** What services need to be started. */
export interface ServicesPlace {
  readonly engine: Engine;
  readonly images: Images;
  readonly job: JobSpec;
  readonly options: ContainerOptions;
  readonly network: JobNetwork;
  readonly ownVolumes: OwnVolumes;
  /** Start of the containers' names. */
  readonly name: string;
  /** How long to wait until a service takes connections, milliseconds; 0: not at all. */
  readonly readyTimeoutMs: number;
  /** Told of each container as soon as it is there, so that it gets removed. */
  readonly onCreated: (container: string) => void;
}

/** The services of one job while it runs. */
export interface RunningServices {
  /** After a failure of the job's: how the services are, and what they wrote last. */
  explain(out: LogSink): Promise<void>;
  /** Stops listening to them; whoever made them removes them. */
  close(): void;
}

/** Of a job that has none. */
export const noServices: RunningServices = { explain: async () => {}, close: () => {} };

/** Starts all services at once and waits until they take connections; one that does not is only warned about. */
export async function startServices(place: ServicesPlace, out: LogSink, signal: AbortSignal): Promise<RunningServices> {
  const { named, warnings } = nameServices(place.job.services, place.network.services.at);
  const debug = debugsServices(place.job);
  if (debug === 'invalid') warnings.push('CI_DEBUG_SERVICES is neither true nor false, and counts for nothing');
  for (const warning of warnings) await say(out, `WARNING: ${warning}`);
  const started: StartedService[] = [];
  const starting: Promise<void>[] = [];
  for (const each of named) {
    await say(out, `Starting service ${withTag(each.service.name)} ...`);
    await warnOfPrivileges(each.service, place.options, out);
    const service = new StartedService(place, each, out);
    started.push(service);
    starting.push(service.start(debug === 'on' ? 'followed' : 'kept', signal));
  }
  const close = (): void => {
    for (const service of started) service.close();
  };
  // All of them, so that none is still being made when the job is given up.
  for (const result of await Promise.allSettled(starting)) {
    if (result.status === 'fulfilled') continue;
    close();
    throw result.reason;
  }
  return {
    close,
    explain: async (sink) => {
      for (const service of started) await service.explain(sink);
    },
  };
}

async function warnOfPrivileges({ name }: Service, options: ContainerOptions, out: LogSink): Promise<void> {
  if (!isEngineImage(name) || isPrivilegedService(options, name)) return;
  const how = '`--privileged`, or `privileged = true` below `[docker]` in your own config.toml';
  await say(out, `WARNING: Service ${name} is a container engine and needs a privileged container: ${how}`);
}

type WatchedEnd = Awaited<ReturnType<Engine['watchEnd']>>;

/** One service from its start to the end of the job. */
class StartedService {
  readonly #place: ServicesPlace;
  readonly #named: NamedService;
  readonly #out: LogSink;
  #container: string | undefined;
  #end: WatchedEnd | undefined;
  #followed: FollowedLog | undefined;
  #exitCode: number | undefined;
  /** Why it ended, as far as only the engine knows; follows the exit code. */
  #cause = '';
  #wasReady = false;
  #isClosed = false;

  constructor(place: ServicesPlace, named: NamedService, out: LogSink) {
    this.#place = place;
    this.#named = named;
    this.#out = out;
  }

  /** Resolves when it takes connections or seems not to come up. @throws SystemError */
  async start(log: 'followed' | 'kept', signal: AbortSignal): Promise<void> {
    const { engine, images, job } = this.#place;
    const { service, index, aliases } = this.#named;
    const facts = await images.ensure(service, this.#out, signal).catch((error: unknown) => {
      throw ofService(this.#named, error);
    });
    const environment = serviceEnvironment(job, service);
    let id: string;
    let end: WatchedEnd;
    try {
      id = await this.#create(environment, facts.reference);
      signal.throwIfAborted();
      end = await engine.watchEnd(id);
      this.#end = end;
      await engine.api.getContainer(id).start();
      if (log === 'followed') {
        const out = this.#out.of?.(`service-${index}`) ?? this.#out;
        this.#followed = await followLog(engine, id, aliases.join('-'), out);
      }
    } catch (error) {
      this.close();
      throw (
        serviceProblem(jobName(this.#named), service.name, error) ??
        engine.failure(`start service ${service.name}`, error)
      );
    }
    if (namesNoPort(environment)) {
      await say(
        this.#out,
        `WARNING: HEALTHCHECK_TCP_PORT of service ${service.name} is no port, and counts for nothing`,
      );
    }
    const problem = await waitForService({ ...this.#place, id, service, facts, environment, end }, signal);
    if (problem !== undefined) await this.#warn(problem);
    this.#wasReady = problem === undefined;
    void this.#watch(end);
  }

  /** How it is, after a failure of the job's. */
  async explain(out: LogSink): Promise<void> {
    // Who follows the log has read it already.
    if (this.#container === undefined || this.#followed !== undefined) return;
    const text = await lastLines(this.#place.engine, this.#container, 20);
    const how = this.#exitCode === undefined ? 'is running' : `ended with exit code ${this.#exitCode}${this.#cause}`;
    const { service, aliases } = this.#named;
    const title = `${this.#failedLate() ? 'WARNING: ' : ''}Service ${service.name} ${how}`;
    if (text === '') return say(out, `${title} and wrote nothing.`);
    const lines = text.split('\n').map((line) => `[service:${aliases.join('-')}] ${line}`);
    return say(out, [`${title}; the end of its log:`, ...lines].join('\n'));
  }

  close(): void {
    this.#isClosed = true;
    this.#end?.close();
    this.#followed?.close();
  }

  async #create(environment: ReadonlyMap<string, string>, reference: string): Promise<string> {
    const { engine, job, options, network, ownVolumes, name, onCreated } = this.#place;
    const { service, index, aliases } = this.#named;
    const id = await engine.create(
      serviceContainerOptions({
        name: `${name}-service-${index}`,
        labels: labelsFor(job, 'service'),
        options: optionsForService(options, service.name),
        network: network.forService(aliases),
        ownVolumes,
        service: { ...service, name: reference },
        imageName: service.name,
        environment: [...environment].map(([variable, value]) => `${variable}=${value}`),
      }),
    );
    this.#container = id;
    onCreated(id);
    if (network.also !== undefined) await engine.api.getNetwork(network.also).connect({ Container: id });
    return id;
  }

  /** Tells when a service fails that was there for the job. */
  async #watch(end: WatchedEnd): Promise<void> {
    try {
      this.#exitCode = await end.exitCode;
      if (this.#isClosed || !this.#failedLate()) return;
      const { name } = this.#named.service;
      this.#cause = await this.#outOfMemory();
      const how = `ended with exit code ${this.#exitCode}${this.#cause}`;
      await say(this.#out, `WARNING: Service ${name} ${how} before the job did`);
    } catch {
      // Closed, or the engine is gone: then the job's own calls fail, and say so.
    }
  }

  async #outOfMemory(): Promise<string> {
    const { engine, options } = this.#place;
    const { State } = await engine.api.getContainer(this.#container!).inspect();
    return State.OOMKilled ? `, out of memory${limitText(options.services?.memoryBytes)}` : '';
  }

  /** It was there for the job, and then it was not. */
  #failedLate(): boolean {
    return this.#wasReady && this.#exitCode !== undefined && this.#exitCode !== 0;
  }

  async #warn(problem: string): Promise<void> {
    const tail = await lastLines(this.#place.engine, this.#container!, 50);
    const title = `*** WARNING: Service ${this.#named.service.name} probably didn't start properly: ${problem}.`;
    await say(this.#out, ['', title, '', tail, '', '*********', ''].join('\n'));
  }
}

/** What the job calls it. */
function jobName({ service, aliases }: NamedService): string {
  return service.aliases[0] ?? aliases[0] ?? service.name;
}

/** An image's failure as that of the service which wants it: the job may have an image of nearly the same name. */
function ofService(named: NamedService, error: unknown): unknown {
  if (!(error instanceof SystemError)) return error;
  const { reason, message, hint } = error;
  return new SystemError(reason, `service \`${jobName(named)}\`: ${message}`, { cause: error, ...(hint && { hint }) });
}

/** The engine shows a service's environment to anybody, so no masked variable of the job and no login is in it. */
function serviceEnvironment(job: JobSpec, service: Service): ReadonlyMap<string, string> {
  const env = new Map<string, string>();
  for (const { name, value, masked, file } of job.serviceVariables ?? job.variables) {
    if (masked || file || name === 'DOCKER_AUTH_CONFIG') env.delete(name);
    else env.set(name, value);
  }
  for (const { name, value } of service.variables) env.set(name, value);
  return env;
}
