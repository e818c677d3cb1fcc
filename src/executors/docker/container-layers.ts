import type { FileTree } from '../../model/files.ts';
import type { OverlayVolume } from './overlay-volume.ts';

/**
 * Layers of one container's project directory. `mounted`: directories of this machine. `sources`: the run's sources,
 * in a volume at the engine.
 */
export interface ContainerLayers extends OverlayVolume {
  readonly kind: 'mounted' | 'sources';
  /** Trees that were laid, lowest first. */
  readonly trees: readonly FileTree[];
  /** Slides a tree under the changes and over the trees before. False: it has to be sent. */
  lay(tree: FileTree): boolean;
  /** The engine's next mount shows all that was laid. False: it would show more than that. */
  show(): boolean;
  /** What is not known to be visible to an engine before one of its mounts has shown it. */
  proofs(): readonly string[];
  /** Name of something that the project's directory must show then; undefined if all layers are empty. */
  witness(): string | undefined;
  /** Does the job's repository lie in a directory of somebody else than `uid`? Git then refuses to work in it. */
  hasForeignRepository(uid: number): boolean;
  /** Absolute paths of the directory of changes and of one for what is to be done with them; if on this machine. */
  readonly host?: { readonly changes: string; readonly scratch: string };
}
