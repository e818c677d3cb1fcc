/** How far the pull of an image is, as its engine tells. */
export interface PullProgress {
  /** Layers that are in place, also those that were there before. */
  readonly layersDone: number;
  /** Layers that the engine has named so far. */
  readonly layersTotal: number;
  /** Compressed bytes that have been downloaded. */
  readonly bytesDone: number;
  /** Compressed bytes of the layers whose size is known so far; grows while the engine begins with more of them. */
  readonly bytesTotal: number;
}

/** A step in the pull of one image, as one job that waits for it sees it. */
export interface ImagePull extends PullProgress {
  /** As the engine was asked for it, with its tag. */
  readonly image: string;
  readonly state: 'started' | 'progressed' | 'finished' | 'failed';
  /** With the last two states: how long the job waited. */
  readonly durationMs?: number;
}
