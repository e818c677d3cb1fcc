import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineClient } from './engine-client.ts';

/** Podman's own names of states in which a helper may still be at work after a container's end. */
const untidy: ReadonlySet<string> = new Set(['running', 'stopping', 'stopped']);
const tries = 100;
const betweenTriesMs = 50;

/**
 * Waits until Podman has tidied up after a container's end. A process of its own does that, some time after the end was
 * told; a container that is joined and started meanwhile loses its input or its file systems, and waits for ever. It tells
 * states in its own language alone: in Docker's a container that ended is one that was tidied up.
 * Source: https://docs.podman.io/en/v4.3/_static/api.html (libpod, ContainerInspectLibpod)
 */
export async function podmanTidied({ dial }: EngineClient, container: string): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const answer = (await dial({
      path: `/v4.0.0/libpod/containers/${container}/json`,
      method: 'GET',
      statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    })) as unknown as { readonly State?: { readonly Status?: string } };
    if (!untidy.has(answer.State?.Status ?? '')) return;
    await sleep(betweenTriesMs);
  }
}
