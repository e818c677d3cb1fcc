import { join } from 'node:path';
import type { TestTimingsPort } from '../../model/ports.ts';
import { projectDirectory, type Run, type RunStoreLocation } from '../../stores/run-store.ts';

/**
 * Times of tests as one run sees them, looked for when the first job wants them.
 * @param earlier the run from which it goes on.
 */
export function runTestTimings(
  location: RunStoreLocation,
  run: Pick<Run, 'directory'>,
  earlier: Pick<Run, 'directory'> | undefined,
): () => Promise<TestTimingsPort> {
  let made: Promise<TestTimingsPort> | undefined;
  const seenBy = ({ directory }: Pick<Run, 'directory'>): string => join(directory, 'test-timings');
  const make = async (): Promise<TestTimingsPort> => {
    const { testTimings } = await import('../../stores/test-timings.ts');
    return testTimings({
      store: join(projectDirectory(location), 'test-timings'),
      seen: seenBy(run),
      ...(earlier === undefined ? {} : { seenBefore: seenBy(earlier) }),
    });
  };
  return () => {
    made ??= make();
    return made;
  };
}
