import type { Workload } from '../workload.ts';
import { artifactsWorkload } from './artifacts.ts';
import { cacheWorkload } from './cache.ts';
import { containersTreeWorkload, containersWorkload } from './containers.ts';
import { includeWorkloads } from './includes.ts';
import { jobWorkloads } from './jobs.ts';
import { lintWorkloads } from './lint.ts';
import { logWorkloads } from './log.ts';
import { memoryWorkload } from './memory.ts';
import { type Size, sized } from './size.ts';
import { skewWorkload } from './skew.ts';
import { startWorkloads } from './start.ts';
import { treeWorkloads } from './tree.ts';

/** All workloads, in the order of the table. */
export function allWorkloads(size: Size): readonly Workload[] {
  return [
    ...startWorkloads,
    ...lintWorkloads(size),
    ...includeWorkloads(size),
    ...jobWorkloads(size),
    skewWorkload(sized(size, 1, 0.01)),
    ...logWorkloads(size),
    ...treeWorkloads(size),
    artifactsWorkload(sized(size, 10_000, 150)),
    cacheWorkload(sized(size, 20_000, 150)),
    containersWorkload(sized(size, 20, 2)),
    containersTreeWorkload(sized(size, 30_000, 150)),
    memoryWorkload(sized(size, 100, 3)),
  ];
}
