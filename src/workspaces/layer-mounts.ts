import type { FileTree } from '../model/files.ts';
import { type OverlayMount, OverlayRefused, type OverlayRequest, overlayMounter } from '../util/overlay-mounter.ts';

/** What the user asks for (`--isolation`). */
export type Isolation = 'auto' | 'overlay' | 'copy';

/** Mounts layers as long as the system lets us. */
export interface LayerMounts {
  /** How many of these trees, from the lowest one, are to be layers: those that cost less so, and that lose nothing. */
  howMany(lowestFirst: readonly FileTree[]): number;
  /** Undefined when the system refuses; where it never allowed any, it is not asked again. */
  mount(request: OverlayRequest): Promise<OverlayMount | undefined>;
}

/** Mounting and unmounting start a program each, some 3 ms; a small file costs some 50 µs to copy and to remove. */
const fewFiles = 100;
const fewBytes = 4 << 20;

/**
 * The way of mounting that breaks nothing for the job, or that the user asked for. As root overlays are mounted where
 * everybody sees them; an ordinary user's are in a user namespace, where `sudo` does not work and the container engine
 * does not see them: only on request.
 * @param path the user's `PATH`.
 * @param onRefused told once, when it turns out that this system lets us mount nothing.
 * @returns undefined where everything is to be copied.
 */
export function layerMounts(
  isolation: Isolation,
  path: string,
  onRefused: (why: string) => void,
  system: { readonly platform: string; readonly uid: number | undefined } = {
    platform: process.platform,
    uid: process.getuid?.(),
  },
): LayerMounts | undefined {
  const isRoot = system.uid === 0;
  if (isolation === 'copy' || system.platform !== 'linux' || (isolation === 'auto' && !isRoot)) return undefined;
  const mounter = overlayMounter(isRoot ? 'host' : 'namespace', path);
  let state: 'untried' | 'works' | 'refused' = 'untried';
  return {
    howMany: (trees) => {
      const linked = mounter.keepsHardLinks ? -1 : trees.findIndex((tree) => tree.hasHardLinks);
      const layers = linked < 0 ? trees : trees.slice(0, linked);
      return isolation === 'overlay' || isLarge(layers) ? layers.length : 0;
    },
    mount: async (request) => {
      if (state === 'refused') return undefined;
      try {
        const mount = await mounter.mount(request);
        state = 'works';
        return mount;
      } catch (error) {
        if (!(error instanceof OverlayRefused)) throw error;
        if (state === 'untried') {
          state = 'refused';
          onRefused(error.message);
        }
        return undefined;
      }
    },
  };
}

function isLarge(trees: readonly FileTree[]): boolean {
  let files = 0;
  let bytes = 0;
  for (const { size } of trees) {
    if (size === undefined) return true;
    files += size.files;
    bytes += size.bytes;
  }
  return files > fewFiles || bytes > fewBytes;
}
