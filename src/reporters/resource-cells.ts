import type { ResourceUse } from '../model/outcome.ts';
import { memoryText } from '../model/resource-text.ts';
import { formatDuration } from '../util/duration.ts';

/** The two cells of a table: processor time and memory. */
export function resourceCells(use: ResourceUse | undefined): readonly [string, string] {
  const { cpuMs, memoryPeakBytes } = use ?? {};
  return [
    cpuMs === undefined ? '' : formatDuration(cpuMs),
    memoryPeakBytes === undefined ? '' : memoryText(memoryPeakBytes),
  ];
}
