import type { ImagePull } from '../model/image-pull.ts';
import { formatBytes } from '../util/byte-size.ts';
import { formatDuration } from '../util/duration.ts';

const barWidth = 10;

/** How far a pull is, for a line that is drawn again and again: `pulling node:20 ████░░░░░░ 12 MB of 46 MB, 2 of 4 layers`. */
export function pullProgressText({ image, layersDone, layersTotal, bytesDone, bytesTotal }: ImagePull): string {
  if (layersTotal === 0) return `pulling ${image}`;
  const layers = `${layersDone} of ${layersTotal} layer${layersTotal === 1 ? '' : 's'}`;
  if (bytesTotal === 0) return `pulling ${image}  ${layers}`;
  const filled = Math.min(barWidth, Math.floor((bytesDone / bytesTotal) * barWidth));
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  return `pulling ${image}  ${bar} ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}, ${layers}`;
}

/** What is said of a pull where lines stay: its begin and its end. Undefined: nothing. */
export function pullLine(pull: ImagePull): string | undefined {
  if (pull.state === 'started') return `pulling image ${pull.image}`;
  if (pull.state !== 'finished') return undefined;
  const bytes = pull.bytesTotal === 0 ? '' : `: ${formatBytes(pull.bytesTotal)}`;
  return `pulled image ${pull.image}${bytes}, ${formatDuration(pull.durationMs ?? 0)}`;
}
