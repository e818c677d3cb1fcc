import type { PullProgress } from '../../model/image-pull.ts';

/** One line of what an engine tells while it pulls. */
export interface PullLine {
  readonly status?: string;
  /** Of the layer, or the tag. */
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number } | null;
  readonly error?: string;
}

interface Layer {
  bytes: number;
  bytesTotal: number;
  done: boolean;
  wasThere: boolean;
}

/** A pull that is over. */
export interface PullResult extends PullProgress {
  /** The engine had all of it before. */
  readonly wasThere: boolean;
}

/** Sums up what an engine tells of each layer. */
export interface PullFold {
  take(line: PullLine): void;
  now(): PullProgress;
  /** All layers are in place. */
  finish(): PullResult;
}

/** Nothing is known of the layers yet. */
export const noProgress: PullProgress = { layersDone: 0, layersTotal: 0, bytesDone: 0, bytesTotal: 0 };

/** Makes an empty fold. The words are those of Docker; Podman says some of them. */
export function pullFold(): PullFold {
  const layers = new Map<string, Layer>();
  const layerOf = (id: string): Layer => {
    let layer = layers.get(id);
    if (layer === undefined) {
      layer = { bytes: 0, bytesTotal: 0, done: false, wasThere: false };
      layers.set(id, layer);
    }
    return layer;
  };
  return {
    take({ id, status, progressDetail }) {
      if (id === undefined || status === undefined) return;
      if (status === 'Downloading') {
        const layer = layerOf(id);
        layer.bytesTotal = Math.max(layer.bytesTotal, progressDetail?.total ?? 0);
        layer.bytes = progressDetail?.current ?? layer.bytes;
      } else if (downloaded.has(status)) {
        const layer = layerOf(id);
        layer.bytes = layer.bytesTotal;
        if (status === 'Pull complete') layer.done = true;
      } else if (status === 'Already exists') Object.assign(layerOf(id), { done: true, wasThere: true });
      else if (waiting.test(status)) layerOf(id).bytes = 0;
    },
    now: () => progressOf([...layers.values()]),
    finish() {
      const all = [...layers.values()];
      const progress = progressOf(all.map((layer) => ({ ...layer, bytes: layer.bytesTotal, done: true })));
      return { ...progress, wasThere: all.every(({ wasThere }) => wasThere) };
    },
  };
}

function progressOf(layers: readonly Layer[]): PullProgress {
  return {
    layersDone: layers.filter(({ done }) => done).length,
    layersTotal: layers.length,
    bytesDone: layers.reduce((sum, { bytes }) => sum + bytes, 0),
    bytesTotal: layers.reduce((sum, { bytes, bytesTotal }) => sum + Math.max(bytes, bytesTotal), 0),
  };
}

const downloaded: ReadonlySet<string> = new Set([
  'Verifying Checksum',
  'Download complete',
  'Extracting',
  'Pull complete',
]);
const waiting = /^(Pulling fs layer|Waiting|Retrying in )/;
