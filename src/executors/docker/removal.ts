import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, shortReason, statusOf } from './engine.ts';

/** What we make at an engine, in the order in which it has to be removed: what is in use can't be. */
export const objectKinds = ['container', 'network', 'volume'] as const;

/** One of `objectKinds`. */
export type ObjectKind = (typeof objectKinds)[number];

/** Something that could not be removed, and what the engine said. */
export interface Unremoved {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly why: string;
}

/** How often a removal is tried that something else is in the way of. */
const attempts = 6;

/**
 * Removes an object of ours, in use or not; a container with its anonymous volumes. Fine if it is gone.
 * @returns why it is still there; undefined: it is not.
 */
export async function removeObject(engine: Engine, kind: ObjectKind, id: string): Promise<Unremoved | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      await removeOnce(engine, kind, id);
      return undefined;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) return undefined;
      if (status === undefined || !mayPass(status) || attempt === attempts)
        return { kind, id, why: shortReason(error) };
      await sleep(100 * attempt);
    }
  }
}

/** 409: it is being removed, or used by what is being removed; 403: a network with endpoints; 500: "device is busy". */
function mayPass(status: number): boolean {
  return status === 409 || status === 403 || status === 500;
}

async function removeOnce({ api }: Engine, kind: ObjectKind, id: string): Promise<void> {
  switch (kind) {
    case 'container':
      await api.getContainer(id).remove({ force: true, v: true });
      return;
    case 'network':
      await api.getNetwork(id).remove();
      return;
    case 'volume':
      await api.getVolume(id).remove({ force: true });
  }
}
