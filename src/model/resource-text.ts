import { formatBytes } from '../util/byte-size.ts';
import { formatDuration } from '../util/duration.ts';
import type { ResourceUse } from './outcome.ts';

/** What a job used, in words: `cpu 3.2 s, memory 240 MB, network 12 MB in and 80 kB out, disk …`; empty: nothing is known. */
export function resourceText(use: ResourceUse): string {
  const { cpuMs, memoryPeakBytes } = use;
  const parts: string[] = [];
  if (cpuMs !== undefined) parts.push(`cpu ${formatDuration(cpuMs)}`);
  if (memoryPeakBytes !== undefined) parts.push(`memory ${memoryText(memoryPeakBytes)}`);
  const network = pairText(use.networkReceivedBytes, 'in', use.networkSentBytes, 'out');
  if (network !== '') parts.push(`network ${network}`);
  const disk = pairText(use.diskReadBytes, 'read', use.diskWrittenBytes, 'written');
  if (disk !== '') parts.push(`disk ${disk}`);
  return parts.join(', ');
}

/** Memory for people, in the units in which limits are given: 1 MB is 1,048,576 bytes (`--memory 32m`). */
export function memoryText(bytes: number): string {
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} kB`;
  if (bytes < 1024 ** 3) return `${Math.round(bytes / 1024 ** 2)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

function pairText(one: number | undefined, oneWord: string, other: number | undefined, otherWord: string): string {
  const parts: string[] = [];
  if (one !== undefined) parts.push(`${formatBytes(one)} ${oneWord}`);
  if (other !== undefined) parts.push(`${formatBytes(other)} ${otherWord}`);
  return parts.join(' and ');
}

/** From here on what a job used is worth a place in a summary: a second of processor time, or 100 MB. */
export function isWorthTelling(use: ResourceUse | undefined): boolean {
  return (use?.cpuMs ?? 0) >= 1000 || (use?.memoryPeakBytes ?? 0) >= 100 * 1024 ** 2;
}
