import { Session } from 'node:inspector';
import { memoryUsage } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { once } from '../../util/once.ts';
import { collectGathered } from './collect-gathered.ts';

/** A heap of this size is what a run of a hundred jobs has anyway. */
const smallHeapBytes = 32 * 1024 * 1024;
/** What a collection of more than that takes, and what a start takes more for each byte of heap. */
const collectionMs = 40;
const startMsPerByte = 0.05 / (1024 * 1024);

/**
 * Called between planning and running, since starting a process costs the more the more memory we hold: `fork` copies
 * its page tables.
 *
 * Until it is disposed, the space for young objects stays as large as it is. V8 lets it grow with all that has ever lived through a
 * collection, so after 2 GB of a log it held 45 MB in which next to nothing was alive.
 *
 * What reading a large file and planning needed is given back, where that is much: for 2,000 jobs with 100,000 needs it
 * made each start of a job twice as dear. The inspector is the only documented way to ask for that.
 *
 * @param starts how many jobs this process is about to start itself.
 */
export async function holdMemoryDown(starts: number): Promise<Disposable> {
  setFlagsFromString('--semi-space-growth-factor=1');
  if ((memoryUsage().heapTotal - smallHeapBytes) * startMsPerByte * starts > collectionMs) await giveBack();
  const gathered = collectGathered({ used: bytesInUse, collect: () => collector()() });
  return {
    [Symbol.dispose]: () => {
      gathered[Symbol.dispose]();
      // V8 takes no compiled code that was written under other flags (bin/bundle.js), so its default comes back.
      setFlagsFromString('--semi-space-growth-factor=2');
    },
  };
}

function bytesInUse(): number {
  const { heapUsed, arrayBuffers } = memoryUsage();
  return heapUsed + arrayBuffers;
}

async function giveBack(): Promise<void> {
  const session = new Session();
  session.connect();
  await new Promise((resolve) => session.post('HeapProfiler.collectGarbage', resolve));
  session.disconnect();
}

/**
 * Collects and gives nothing back: after what the inspector does V8 looks later for buffers, so that a log of 10 GB took 124 MB;
 * with this one it takes 76.
 */
const collector = once((): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return collect;
});
