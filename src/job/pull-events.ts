import type { OpenWatcher } from '../executors/executor.ts';
import type { JobLog } from './job-log.ts';
import type { JobDeps } from './job-run.ts';

/** Turns what an executor tells of pulls into events; secrets in the names of images are hidden in them. */
export interface PullEvents {
  readonly watcher: OpenWatcher;
  /** Resolves when all that was told is an event. */
  told(): Promise<void>;
}

/** Pulls of one try of a job. */
export function pullEvents(job: string, log: JobLog, { emit, clock }: Pick<JobDeps, 'emit' | 'clock'>): PullEvents {
  const names = new Map<string, Promise<string>>();
  let told = Promise.resolve();
  return {
    watcher: {
      imagePull: (pull) => {
        const at = clock.now();
        const name = names.get(pull.image) ?? log.masked(pull.image);
        names.set(pull.image, name);
        told = told.then(async () => emit({ type: 'image-pull', at, job, ...pull, image: await name }));
      },
    },
    told: () => told,
  };
}
