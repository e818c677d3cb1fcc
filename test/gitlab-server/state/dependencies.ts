import type { Job } from './model.ts';
import { jobsBefore } from './order.ts';

/** Whose artifacts and dotenv variables a job gets. */
export function dependenciesOf(job: Job): readonly Job[] {
  const { dependencies } = job.description;
  const before = jobsBefore(job);
  return dependencies === undefined ? before : before.filter((other) => dependencies.includes(other.description.name));
}

/** Variables from dotenv reports of those it depends on; a later job's win. */
export function dotenvFor(job: Job): ReadonlyMap<string, string> {
  return new Map(dependenciesOf(job).flatMap((other) => [...other.dotenv]));
}
