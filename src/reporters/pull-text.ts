import type { ImagePull } from '../model/image-pull.ts';
import { formatBytes } from '../util/byte-size.ts';
import { countText } from '../util/count-text.ts';
import { formatDuration } from '../util/duration.ts';
import { displayWidth } from './display-width.ts';
import { oneLine } from './terminal-text.ts';

const barWidth = 10;

/**
 * How far a pull is, for a line that is drawn again and again: `pulling node:20 ████░░░░░░ 12 MB of 46 MB, 2 of 4 layers`.
 * @param columns a long name is shortened to this, so that the progress is seen.
 */
export function pullProgressText(pull: ImagePull, columns = Number.POSITIVE_INFINITY): string {
  const image = oneLine(pull.image, { color: false });
  const progress = progressText(pull);
  const room = columns - displayWidth(`pulling ${progress}`);
  return `pulling ${displayWidth(image) <= room ? image : shortened(image, Math.max(leastName, room))}${progress}`;
}

/** No name is shortened to less, columns. */
const leastName = 8;

/** The end of a name says more than the registry at its begin. */
function shortened(image: string, columns: number): string {
  return image.length <= columns ? image : `…${image.slice(1 - columns)}`;
}

function progressText({ layersDone, layersTotal, bytesDone, bytesTotal }: ImagePull): string {
  if (layersTotal === 0) return '';
  const layers = `${layersDone} of ${countText(layersTotal, 'layer')}`;
  if (bytesTotal === 0) return `  ${layers}`;
  const filled = Math.min(barWidth, Math.floor((bytesDone / bytesTotal) * barWidth));
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  return `  ${bar} ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}, ${layers}`;
}

/** What is said of a pull where lines stay: its begin and its end. Undefined: nothing. */
export function pullLine(pull: ImagePull): string | undefined {
  if (pull.state === 'started') return `pulling image ${pull.image}`;
  if (pull.state !== 'finished') return undefined;
  const bytes = pull.bytesTotal === 0 ? '' : `: ${formatBytes(pull.bytesTotal)}`;
  return `pulled image ${pull.image}${bytes}, ${formatDuration(pull.durationMs ?? 0)}`;
}
