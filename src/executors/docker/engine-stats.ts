import type { Readable } from 'node:stream';
import type { Engine } from './engine.ts';
import { type ContainerReading, compact } from './usage-record.ts';

/** What is read of the engine's answer; an engine may leave out any of it. */
interface EngineStats {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly max_usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>> | null;
  };
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op?: string; readonly value?: number }[] | null;
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes?: number; readonly tx_bytes?: number }>> | null;
}

/**
 * Listens to what the engine tells of a running container's use, some once a second, until the returned function is called or the
 * container ends. That the engine can't tell is no failure.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerStats
 */
export function watchStats(engine: Engine, container: string, onReading: (reading: ContainerReading) => void) {
  let stream: Readable | undefined;
  let state: 'open' | 'closed' = 'open';
  const watch = async (): Promise<void> => {
    stream = (await engine.api.getContainer(container).stats({ stream: true })) as unknown as Readable;
    if (state === 'closed') stream.destroy();
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== '') onReading(readStats(JSON.parse(line) as EngineStats));
    }
  };
  // An engine without these figures (rootless on cgroups version 1), or one that is gone: then there are none.
  watch().catch(() => {});
  return (): void => {
    state = 'closed';
    stream?.destroy();
  };
}

/** One answer of the engine's. */
export function readStats(stats: EngineStats): ContainerReading {
  const { usage, max_usage: most, limit, stats: kinds } = stats.memory_stats ?? {};
  const inactive = kinds?.['total_inactive_file'] ?? kinds?.['inactive_file'];
  const active = kinds?.['total_active_file'] ?? kinds?.['active_file'];
  const networks = stats.networks && Object.values(stats.networks);
  const disk = stats.blkio_stats?.io_service_bytes_recursive ?? [];
  const bytes = (operation: string): number | undefined =>
    disk.length === 0
      ? undefined
      : total(disk.filter(({ op }) => op?.toLowerCase() === operation).map((one) => one.value));
  return compact({
    cpuMs: positive(divided(stats.cpu_stats?.cpu_usage?.total_usage)),
    memoryBytes: positive(usage),
    // Podman gives the limit in its place.
    memoryPeakBytes: most === limit ? undefined : positive(most),
    fileCacheBytes: inactive === undefined || active === undefined ? undefined : inactive + active,
    networkReceivedBytes: networks ? total(networks.map((one) => one.rx_bytes)) : undefined,
    networkSentBytes: networks ? total(networks.map((one) => one.tx_bytes)) : undefined,
    diskReadBytes: bytes('read'),
    diskWrittenBytes: bytes('write'),
  });
}

/** A container that runs has used something: 0 stands for "not known" (the answer for one that has just ended). */
function positive(value: number | undefined): number | undefined {
  return value === undefined || value <= 0 ? undefined : value;
}

function divided(ns: number | undefined): number | undefined {
  return ns === undefined ? undefined : ns / 1e6;
}

function total(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
