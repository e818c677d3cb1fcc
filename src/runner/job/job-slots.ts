import { join } from 'node:path';
import { type TakenLock, tryLock } from '../../stores/lock-files.ts';

/** Numbers that a job holds while it runs: the lowest that were free, also among other processes. */
export interface JobSlots extends AsyncDisposable {
  /** `CI_CONCURRENT_ID`: among the jobs of its runner. */
  readonly concurrentId: number;
  /** `CI_CONCURRENT_PROJECT_ID`: among those of the same project. */
  readonly concurrentProjectId: number;
  /** A process died with one of them: what it left running may still be at work at the same place. */
  readonly isInherited: boolean;
}

/** Whose numbers are wanted. */
export interface SlotRequest {
  /** Absolute: where sources are kept, by all processes that may meet there. */
  readonly buildsDir: string;
  readonly shortToken: string;
  readonly projectId: number;
}

/** Gives jobs their numbers, by locks beside the sources that outlive no process. */
export interface JobSlotSource {
  /** @throws SystemError: the place of the locks can't be written. */
  take(request: SlotRequest): Promise<JobSlots>;
}

/** Makes what gives the jobs of this process their numbers. */
export function jobSlots(): JobSlotSource {
  /** Locks that this process holds or is about to take: nobody need look at their files. */
  const own = new Set<string>();
  return {
    take: async ({ buildsDir, shortToken, projectId }) => {
      const place = join(buildsDir, '.slots', shortToken.replace(/[^\w.-]/g, '_'));
      const runner = await takeLowest(place, own);
      try {
        const project = await takeLowest(join(place, String(projectId)), own);
        return {
          concurrentId: runner.number,
          concurrentProjectId: project.number,
          isInherited: [runner, project].some(({ before }) => before === 'a dead process'),
          [Symbol.asyncDispose]: async () => {
            await project[Symbol.asyncDispose]();
            await runner[Symbol.asyncDispose]();
          },
        };
      } catch (error) {
        await runner[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

interface Slot extends TakenLock {
  readonly number: number;
}

async function takeLowest(directory: string, own: Set<string>): Promise<Slot> {
  for (let number = 0; ; number += 1) {
    const place = join(directory, `slot-${number}`);
    if (own.has(place)) continue;
    own.add(place);
    let lock: TakenLock | undefined;
    try {
      lock = await tryLock(place, `place ${number} for a job`);
    } finally {
      if (lock === undefined) own.delete(place);
    }
    if (lock !== undefined) return slotOf(lock, number, () => own.delete(place));
  }
}

function slotOf(lock: TakenLock, number: number, released: () => void): Slot {
  return {
    number,
    before: lock.before,
    [Symbol.asyncDispose]: async () => {
      // A disk that is full must not fail a job that has ended: the number stays taken until this process ends.
      await lock[Symbol.asyncDispose]().then(released, () => {});
    },
  };
}
