import { posix } from 'node:path';
import type { SessionFiles } from '../executor.ts';
import { containerFiles } from './container-files.ts';
import { type SessionContainer, temporaryDirectory } from './session-container.ts';

/** Files of a session: trees are laid as layers where that can be, all else goes over the engine's archive calls. */
export function sessionFiles(container: SessionContainer): SessionFiles {
  const { directory } = container;
  const sent = containerFiles(container);
  const absolute = (path: string): string => posix.resolve(directory, path);
  /** Before something outside of the layers changes files. */
  const change = async (path: string): Promise<void> => {
    await container.ready();
    if (path === directory || path.startsWith(`${directory}/`)) container.seal();
  };
  return {
    put: async (tree, at, signal) => {
      signal.throwIfAborted();
      if (absolute(at) === directory && container.lay(tree)) return;
      await change(absolute(at));
      await sent.put(tree, at, signal);
    },
    get: async (selection, into, signal) => {
      await container.ready();
      return sent.get(selection, into, signal);
    },
    read: async (path, maxBytes) => {
      await container.ready();
      return sent.read(path, maxBytes);
    },
    write: async (path, content, mode) => {
      const target = absolute(path);
      if (posix.dirname(target) === temporaryDirectory(container).path) {
        await container.write({ path: target, content, mode });
        return;
      }
      await change(target);
      await sent.write(target, content, mode);
    },
  };
}
