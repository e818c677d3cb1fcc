import { dirname, join } from 'node:path';
import { changeRunners } from '../../runner/config/change-runners.ts';
import { canWriteConfig, makeConfigDirectory } from '../../runner/config/config-file.ts';
import { WatchedConfig } from '../../runner/manager/watched-config.ts';
import { systemId } from '../../runner/system-id.ts';
import { systemClock } from '../../util/clock.ts';
import type { Invocation } from '../invocation.ts';
import { attend } from '../runner/attend.ts';
import { asCommand, checkContainers, type RunnerFileOptions, runnerFilePath } from '../runner/runner-file.ts';
import { runnerOutput } from '../runner/runner-output.ts';

/** `ci runner run`: takes jobs from the servers of the file until it is stopped. */
export function runnerRun(invocation: Invocation, _: readonly string[], options: RunnerFileOptions): Promise<number> {
  return asCommand(() => {
    const path = runnerFilePath(invocation, options);
    const directory = dirname(path);
    const { env } = invocation;
    const quiet = runnerOutput(invocation, { format: 'runner', level: 'warning', now: systemClock.now });
    return attend(invocation, {
      output: new WatchedConfig(path, env, quiet, checkContainers).current.config,
      open: async (log) => {
        const watched = new WatchedConfig(path, env, log, checkContainers);
        makeConfigDirectory(path);
        return {
          config: () => watched.current.config,
          refresh: (how) => void watched.refresh(how),
          readings: () => watched.readings,
          tokens: {
            canSave: () => canWriteConfig(path),
            save: async (changes) => {
              await changeRunners(path, env, changes);
              watched.refresh('if-changed');
            },
          },
          systemId: await systemId({ directory, log }),
          certificateDirectory: join(directory, 'certs'),
        };
      },
    });
  });
}
