import { dirname, join } from 'node:path';
import { changeRunners } from '../../runner/config/change-runners.ts';
import { canWriteConfig, makeConfigDirectory, readConfigFile } from '../../runner/config/config-file.ts';
import { WatchedConfig } from '../../runner/manager/watched-config.ts';
import { systemId } from '../../runner/system-id.ts';
import type { Invocation } from '../invocation.ts';
import { attend } from '../runner/attend.ts';
import { asCommand, checkContainers, type RunnerFileOptions, runnerFilePath } from '../runner/runner-file.ts';

/** `ci runner run`: takes jobs from the servers of the file until it is stopped. */
export function runnerRun(invocation: Invocation, _: readonly string[], options: RunnerFileOptions): Promise<number> {
  return asCommand(() => {
    const path = runnerFilePath(invocation, options);
    const directory = dirname(path);
    const { env } = invocation;
    return attend(invocation, {
      output: readConfigFile(path, env, checkContainers).config,
      open: async (log) => {
        const watched = new WatchedConfig(path, env, log, checkContainers);
        if (watched.current.config.runners.length === 0)
          log('warning', 'No runners yet: `ci runner register` makes one');
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
