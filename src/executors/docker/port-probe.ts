import { withTag } from '../../model/image-name.ts';
import type { JobSpec } from '../../model/job-spec.ts';
import { type Engine, statusOf } from './engine.ts';
import type { JobNetwork } from './job-network.ts';
import { labelsFor } from './labels.ts';

/** A service whose ports are watched from inside. */
export interface ProbedService {
  readonly engine: Engine;
  readonly job: JobSpec;
  readonly network: JobNetwork;
  /** Start of the containers' names. */
  readonly name: string;
  /** The service's container. */
  readonly id: string;
  readonly onCreated: (container: string) => void;
}

/**
 * Resolves as soon as something listens on one of the ports: watched in the service's own network by a container of the
 * job's image, for engines whose containers this machine can't connect to.
 */
export async function probePorts(
  service: ProbedService,
  ports: readonly number[],
  signal: AbortSignal,
): Promise<undefined> {
  const { engine, onCreated } = service;
  let probe: string;
  try {
    probe = await engine.create(probeOptions(service, ports));
  } catch (error) {
    // The service is gone already, which its end tells.
    if (statusOf(error) === undefined) throw error;
    return new Promise(() => {});
  }
  onCreated(probe);
  const container = engine.api.getContainer(probe);
  const end = await engine.watchEnd(probe);
  const stop = (): void => {
    end.close();
    container.remove({ force: true, v: true }).catch(() => {});
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    await container.start();
    await end.exitCode;
  } catch (error) {
    // An image without a shell: the job itself will say so.
    if (statusOf(error) === undefined) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
  return undefined;
}

function probeOptions({ job, network, name, id }: ProbedService, ports: readonly number[]) {
  const { platform, name: image } = job.image!;
  const { services, forJob } = network;
  const isAlone = services.at === 'network';
  const place = isAlone ? `container:${id}` : forJob.mode;
  return {
    name: `${name}-wait-${id.slice(0, 12)}`,
    Image: withTag(image),
    Labels: labelsFor(job, 'service'),
    Entrypoint: [''],
    Cmd: ['sh', '-c', listeningScript(ports, isAlone ? 'from outside' : 'on localhost')],
    ...(platform === undefined ? {} : { platform }),
    HostConfig: place === undefined ? {} : { NetworkMode: place },
  };
}

/**
 * Ends as soon as one of the ports is listened on. Needs no program but a shell: that can't connect, but it can read
 * what the kernel tells of listening sockets, whose state is 0A. Source: proc(5)
 */
function listeningScript(ports: readonly number[], reached: 'from outside' | 'on localhost'): string {
  const wanted = ports.map((port) => `*:${port.toString(16).toUpperCase().padStart(4, '0')}`).join('|');
  const loopback = '0100007F:*|7F000001:*|00000000000000000000000001000000:*';
  const skipped = reached === 'from outside' ? `${loopback}) ;; ` : '';
  return [
    'while :; do',
    'for table in /proc/net/tcp /proc/net/tcp6; do',
    '[ -r "$table" ] || continue',
    'while read -r _ address _ state _; do',
    'case $state in 0A) ;; *) continue ;; esac',
    `case $address in ${skipped}${wanted}) exit 0 ;; esac`,
    'done <"$table"',
    'done',
    'sleep 0.1 2>/dev/null || sleep 1 || exit 1',
    'done',
  ].join('\n');
}
