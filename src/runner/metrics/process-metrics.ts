import { readdirSync, readFileSync } from 'node:fs';
import { counterText, gaugeText } from './metric-families.ts';

const startedAtSeconds = (): number => Date.now() / 1000 - process.uptime();

/** What this process uses, by the names that every exporter has. Where the system does not tell it is left out. */
export function processText(): string {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const one = (value: number | undefined) => (value === undefined ? [] : [{ labels: {}, value }]);
  return [
    counterText('process_cpu_seconds_total', 'Processor time of this process.', one((user + system) / 1e6)),
    gaugeText('process_resident_memory_bytes', 'Memory of this process.', one(rss)),
    gaugeText('process_start_time_seconds', 'When it was started, in seconds since 1970.', one(startedAtSeconds())),
    gaugeText('process_open_fds', 'Its open files.', one(openFiles())),
    gaugeText('process_max_fds', 'Files that it may have open.', one(mostFiles())),
    gaugeText('nodejs_heap_size_used_bytes', 'Memory of its objects.', one(heapUsed)),
  ].join('');
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

function mostFiles(): number | undefined {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}
