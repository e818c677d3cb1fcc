import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type Dockerode from 'dockerode';

/**
 * Where a job's changes are kept. `here`: in a directory of this machine, for root. `engine`: in volumes, for an
 * ordinary user, who could not remove what a container's root leaves, and for engines elsewhere.
 */
export type ChangesPlace =
  | { readonly changes: 'here'; readonly scratch: string }
  | { readonly changes: 'engine'; readonly volumesDirectory: string };

/** An overlay that the engine mounts at a project's directory. */
export interface OverlayVolume {
  /** Names of volumes that have to be removed after the container; those without a name go with it. */
  readonly volumes: readonly string[];
  /** For the container's create call. */
  readonly mounts: readonly Dockerode.MountSettings[];
}

/** What an overlay volume is made of. */
export interface OverlayVolumeRequest {
  /** Unique; start of the volumes' names. */
  readonly name: string;
  /** In the container. */
  readonly directory: string;
  /** In the container, beside it. */
  readonly temporaryDirectory: string;
  readonly labels: Record<string, string>;
  /** Absolute paths on the engine's machine. */
  readonly highestFirst: readonly string[];
  readonly place: ChangesPlace;
}

/**
 * Describes an overlay as a volume of the engine's `local` driver. The description is part of the create call.
 * Source: https://docs.docker.com/engine/storage/volumes/#create-a-volume (options as for mount(8))
 */
export function overlayVolume(request: OverlayVolumeRequest): OverlayVolume {
  const { name, directory, temporaryDirectory, labels, highestFirst, place } = request;
  const { upper, work, volume, beside } = changesOf(place, name);
  const mount = (source: string, target: string, options: Record<string, string>): Dockerode.MountSettings => ({
    Type: 'volume',
    Source: source,
    Target: target,
    VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: options } },
  });
  return {
    volumes: [volume, beside].filter((each) => each !== undefined),
    mounts: [
      // The engine makes volumes in this order.
      ...(beside === undefined ? [] : [mount(beside, temporaryDirectory, {})]),
      mount(volume ?? '', directory, {
        type: 'overlay',
        device: 'overlay',
        // Without redirect_dir a directory of a layer can't be renamed.
        o: `lowerdir=${highestFirst.map(escaped).join(':')},upperdir=${escaped(upper)},workdir=${escaped(work)},redirect_dir=on,index=off,metacopy=off`,
      }),
    ],
  };
}

/** The kernel reads `,` and `:` as ends of options and of layers. */
function escaped(path: string): string {
  return path.replaceAll(/[\\,:]/g, '\\$&');
}

interface Changes {
  readonly upper: string;
  readonly work: string;
  /** Name of the volume; without one it goes with the container. */
  readonly volume?: string;
  /** Name of a second one. */
  readonly beside?: string;
}

function changesOf(place: ChangesPlace, name: string): Changes {
  if (place.changes === 'here') {
    const [upper, work] = [join(place.scratch, 'u'), join(place.scratch, 'w')];
    for (const path of [upper, work]) mkdirSync(path);
    // It gives the project's directory its mode, whatever the umask.
    chmodSync(upper, 0o755);
    return { upper, work };
  }
  // A volume's own directory takes the changes, hidden below what is mounted over it; the parent of another volume's
  // is the work directory, which must be on the same file system and which no container sees there.
  const [volume, beside] = [`${name}-files`, `${name}-work`];
  const { volumesDirectory } = place;
  return { upper: `${volumesDirectory}/${volume}/_data`, work: `${volumesDirectory}/${beside}`, volume, beside };
}
