import type { ImagePull, PullProgress } from '../../model/image-pull.ts';
import type { LogSink } from '../../model/ports.ts';
import { formatBytes } from '../../util/byte-size.ts';
import { formatDuration } from '../../util/duration.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import type { OpenWatcher } from '../executor.ts';
import type { PullWatcher } from './pull.ts';
import { noProgress, type PullResult } from './pull-progress.ts';

/**
 * Tells a job's log of a pull when it begins and when it is over, and a watcher also how far it is.
 * @param pull begins or joins the pull.
 * @throws what `pull` throws.
 */
export async function tellPull<Result extends PullResult>(
  image: string,
  out: LogSink,
  watcher: OpenWatcher | undefined,
  pull: (told: PullWatcher) => Promise<Result>,
): Promise<Result> {
  const startedAt = monotonicMs();
  let latest = noProgress;
  const tell = (state: ImagePull['state'], progress: PullProgress): void => {
    latest = progress;
    const { layersDone, layersTotal, bytesDone, bytesTotal } = progress;
    const isOver = state === 'finished' || state === 'failed';
    const time = isOver ? { durationMs: Math.round(monotonicMs() - startedAt) } : {};
    watcher?.imagePull({ image, state, layersDone, layersTotal, bytesDone, bytesTotal, ...time });
  };
  const say = (line: string): Promise<void> => out.write(Buffer.from(`${line}\n`));
  let said = say(`Pulling docker image ${image} ...`);
  said.catch(() => {});
  tell('started', noProgress);
  let result: Result;
  try {
    result = await pull({
      progressed: (progress) => tell('progressed', progress),
      triesAgain: (text) => {
        said = said.then(() => say(`WARNING: ${text}`));
        said.catch(() => {});
      },
    });
  } catch (error) {
    tell('failed', latest);
    await said;
    throw error;
  }
  tell('finished', result);
  await said;
  await say(overText(image, result, monotonicMs() - startedAt));
  return result;
}

function overText(image: string, { layersTotal, bytesTotal, wasThere }: PullResult, durationMs: number): string {
  const time = formatDuration(durationMs);
  if (wasThere) return `Docker image ${image} is up to date, ${time}`;
  const layers = `${layersTotal} layer${layersTotal === 1 ? '' : 's'}`;
  const bytes = bytesTotal === 0 ? layers : `${formatBytes(bytesTotal)} in ${layers}`;
  return `Pulled docker image ${image}: ${bytes}, ${time}`;
}
