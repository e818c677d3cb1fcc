import type { Workload } from '../workload.ts';
import { artifactsWorkload } from './artifacts.ts';
import { cacheWorkload } from './cache.ts';
import { containersWorkload } from './containers.ts';
import { includeWorkloads } from './includes.ts';
import { jobWorkloads } from './jobs.ts';
import { lintWorkloads } from './lint.ts';
import { logWorkloads } from './log.ts';
import { memoryWorkload } from './memory.ts';
import { skewWorkload } from './skew.ts';
import { startWorkloads } from './start.ts';
import { treeWorkloads } from './tree.ts';

/** All workloads, in the order of the table. */
export const workloads: readonly Workload[] = [
  ...startWorkloads,
  ...lintWorkloads,
  ...includeWorkloads,
  ...jobWorkloads,
  skewWorkload,
  ...logWorkloads,
  ...treeWorkloads,
  artifactsWorkload(10_000),
  cacheWorkload(20_000),
  containersWorkload(20),
  memoryWorkload,
];
