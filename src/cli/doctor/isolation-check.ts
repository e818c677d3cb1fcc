import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../../util/files/remove-tree.ts';
import { OverlayRefused, overlayMounter } from '../../util/overlay-mounter.ts';
import { unmountBelow } from '../../util/unmount.ts';
import type { Check, Finding } from './check.ts';

/** How shell jobs get their own tree here, found out by trying. */
export const isolationCheck: Check = {
  id: 'isolation',
  makesThings: true,
  look: async ({ invocation, settings, locations, uid }) => {
    const wanted = String(settings?.options['isolation'] ?? 'auto');
    if (wanted === 'copy') return { status: 'ok', message: 'copies, as the settings say', details: { way: 'copy' } };
    if (process.platform !== 'linux') {
      return { status: 'ok', message: 'copies: overlays are a thing of Linux', details: { way: 'copy' } };
    }
    const isRoot = uid === 0;
    const place = existsSync(locations.state) ? locations.state : tmpdir();
    const refusal = await tryMount(isRoot ? 'host' : 'namespace', invocation.env['PATH'] ?? '', place);
    return judge(wanted, isRoot, refusal);
  },
};

function judge(wanted: string, isRoot: boolean, refusal: string | undefined): Finding {
  if (wanted === 'auto' && !isRoot) {
    const more = refusal === undefined ? 'works here too, but sudo does not work in it' : `would not work: ${refusal}`;
    const message = `copies, since you are not root; --isolation overlay ${more}`;
    return { status: 'ok', message, details: { way: 'copy', ...(refusal === undefined ? {} : { refusal }) } };
  }
  if (refusal === undefined) {
    const how = isRoot ? 'mounted where everybody sees them' : 'in a user namespace of their own';
    return { status: 'ok', message: `overlays for trees of more than 100 files, ${how}`, details: { way: 'overlay' } };
  }
  return {
    status: 'warn',
    message: `copies, since overlays can't be mounted: ${refusal}`,
    fix: isRoot
      ? 'in a container: run it with --privileged, or with its state on another file system than an overlay'
      : 'allow user namespaces (kernel.unprivileged_userns_clone, AppArmor), or leave it at --isolation auto',
    details: { way: 'copy', refusal },
  };
}

/** @returns why it can't be, or undefined. */
async function tryMount(where: 'host' | 'namespace', path: string, parent: string): Promise<string | undefined> {
  await removeStale(path, parent);
  const place = mkdtempSync(join(parent, prefix));
  try {
    for (const name of ['lower', 'scratch', 'target']) mkdirSync(join(place, name));
    writeFileSync(join(place, 'lower/file'), '');
    const mounted = await overlayMounter(where, path).mount({
      lowestFirst: [join(place, 'lower')],
      scratch: join(place, 'scratch'),
      target: join(place, 'target'),
    });
    const shows = existsSync(join(mounted.seenAt, 'file'));
    await mounted.unmount();
    return shows ? undefined : 'a mounted overlay is empty';
  } catch (error) {
    if (!(error instanceof OverlayRefused)) throw error;
    return error.message;
  } finally {
    await removeTree(place);
  }
}

const prefix = '.ci-doctor-';
/** A trial takes less than a second. */
const staleMs = 60_000;

/** What a trial left that was killed. */
async function removeStale(path: string, parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    const place = join(parent, name);
    const stats = name.startsWith(prefix) ? lstatSync(place, { throwIfNoEntry: false }) : undefined;
    if (stats === undefined || Date.now() - stats.mtimeMs < staleMs || stats.uid !== process.getuid?.()) continue;
    await unmountBelow(place, path);
    await removeTree(place);
  }
}
