import { Session } from 'node:inspector';
import { memoryUsage } from 'node:process';

/** A heap of this size is what a run of some hundred jobs has anyway. */
const smallHeapBytes = 64 * 1024 * 1024;

/**
 * Gives back what reading a large file and planning needed, where that is much. Starting a process costs the more the
 * more memory we hold (`fork` copies its page tables): for 2,000 jobs with 100,000 needs the garbage of planning made
 * each start of a job twice as dear. The inspector is the only documented way to ask for that.
 */
export async function releaseMemory(): Promise<void> {
  if (memoryUsage().heapTotal <= smallHeapBytes) return;
  const session = new Session();
  session.connect();
  await new Promise((resolve) => session.post('HeapProfiler.collectGarbage', resolve));
  session.disconnect();
}
