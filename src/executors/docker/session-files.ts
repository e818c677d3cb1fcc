import { posix } from 'node:path';
import type { FileSelection } from '../../model/files.ts';
import type { SessionFiles } from '../executor.ts';
import { isUntouched } from '../local-files.ts';
import { containerFiles } from './container-files.ts';
import { type FilesView, openFilesView, selectable } from './files-view.ts';
import type { SessionContainer } from './session-container.ts';

/** Files of a session: trees are laid as layers where that can be, all else goes over the engine's archive calls. */
export function sessionFiles(container: SessionContainer): SessionFiles {
  const { directory } = container;
  const sent = containerFiles(container);
  const absolute = (path: string): string => posix.resolve(directory, path);
  /** Before something outside of the layers changes files. */
  const change = async (path: string, signal?: AbortSignal): Promise<void> => {
    await container.ready(signal);
    const isAbove = path === '/' || directory.startsWith(`${path}/`);
    if (isAbove || path === directory || path.startsWith(`${directory}/`)) container.seal();
  };
  /** Looks at what the job left without the engine, if that can be. */
  const inView = async <T>(selection: FileSelection, look: (view: FilesView['files']) => Promise<T>) => {
    await container.ready();
    const host = container.hostLayers();
    if (host === undefined || !selectable(selection, directory)) return undefined;
    const view = await openFilesView(host.layers, directory, host.scratch);
    if (view === undefined) return undefined;
    try {
      return await look(view.files);
    } finally {
      await view.close();
    }
  };
  return {
    put: async (tree, at, signal) => {
      signal.throwIfAborted();
      if (absolute(at) === directory && container.lay(tree)) return;
      await change(absolute(at), signal);
      await container.send(tree, at, signal);
    },
    get: async (selection, into, signal) => {
      const taken = await inView(selection, (view) => view.get(selection, into, signal));
      return taken ?? sent.get(selection, into, signal);
    },
    sameAs: async (tree, selection, signal) => {
      await container.ready(signal);
      const layers = container.hostLayers()?.layers;
      if (layers === undefined || !layers.lowestFirst.includes(tree)) return undefined;
      if (isUntouched(tree, selection, layers, directory)) return tree.takenBy;
      return inView(selection, (view) => view.sameAs(tree, selection, signal));
    },
    read: async (path, maxBytes) => {
      await container.ready();
      return sent.read(path, maxBytes);
    },
    write: async (path, content, mode) => {
      const target = absolute(path);
      if (posix.dirname(target) === container.temporaryDirectory) {
        await container.write({ path: target, content, mode });
        return;
      }
      await change(target);
      await sent.write(target, content, mode);
    },
  };
}
