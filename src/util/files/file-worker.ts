/**
 * Code of a worker thread that copies, links and removes many small files with synchronous calls, which is several times
 * cheaper than the thread pool. As text: the bundled program is one file and has no second one to load into a thread.
 *
 * Copying. In: `{ id, paths: 'from\0to\0from\0to…', times: milliseconds, changes: ctimes or -1, sizes, modes, flags }`.
 * Out: `{ id, blocked: indices, torn: indices, failure? }`; `blocked` are those where something was in the way, `torn`
 * those that are no longer what they were said to be (only looked at where a ctime is given).
 *
 * Linking. In: `{ id, links: 'from\0to\0from\0to…' }`. Out: `{ id, failed: indices }`.
 *
 * Removing. In: `{ id, clear: directory, backwards, most }`, again and again until the answer `{ id, isOver }` says that
 * nothing is left to do: each message removes some `most` files, so that what is to be copied need not wait long. What
 * can't be removed stays, for `removeTree`. Two threads may clear one directory, from both ends: what the other one has
 * removed already tells where they met. Each message makes sure that it is still in the directories that it opened.
 */
export const fileWorkerCode = `
import { parentPort } from 'node:worker_threads';
import { chmodSync, copyFileSync, linkSync, lstatSync, readdirSync, rmdirSync, unlinkSync, utimesSync } from 'node:fs';

function copy({ id, paths, times, changes, sizes, modes, flags }) {
  const names = paths.split('\\0');
  const blocked = [];
  const torn = [];
  for (let i = 0; i < times.length; i++) {
    const from = names[2 * i];
    const to = names[2 * i + 1];
    try {
      copyFileSync(from, to, flags);
      utimesSync(to, times[i] / 1000, times[i] / 1000);
      if (modes[i] >= 0) chmodSync(to, modes[i]);
      if (changes[i] < 0) continue;
      const now = lstatSync(from, { throwIfNoEntry: false });
      if (now === undefined || now.ctimeMs !== changes[i] || now.mtimeMs !== times[i] || now.size !== sizes[i]) torn.push(i);
    } catch (error) {
      if (error.code === 'EEXIST') {
        blocked.push(i);
        continue;
      }
      const { message, code, errno, syscall, path, dest } = error;
      return { id, blocked, torn, failure: { message, code, errno, syscall, path, dest } };
    }
  }
  return { id, blocked, torn };
}

function link({ id, links }) {
  const names = links.split('\\0');
  const failed = [];
  for (let i = 0; i < names.length; i += 2) {
    try {
      linkSync(names[i], names[i + 1]);
    } catch {
      failed.push(i / 2);
    }
  }
  return { id, failed };
}

const clearings = new Map();

function opened(path, backwards) {
  const { dev, ino } = directoryAt(path);
  const children = readdirSync(path, { withFileTypes: true });
  return { path, dev, ino, children: backwards ? children.reverse() : children, next: 0 };
}

// A link may have taken the place of a directory.
function directoryAt(path) {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) throw new Error('no directory');
  return stats;
}

function isStillThere({ path, dev, ino }) {
  try {
    const now = directoryAt(path);
    return now.dev === dev && now.ino === ino;
  } catch {
    return false;
  }
}

function clear({ id, clear: directory, backwards, most }) {
  let open = clearings.get(directory);
  if (open === undefined) clearings.set(directory, (open = []));
  // Something may still be at work in there; since the last message there was time for it.
  const gone = open.findIndex((one) => !isStillThere(one));
  if (gone >= 0) open.length = gone;
  try {
    if (open.length === 0) open.push(opened(directory, backwards));
  } catch {}
  for (let count = 0; count < most && open.length > 0; count++) {
    const top = open.at(-1);
    try {
      const child = top.children[top.next++];
      if (child === undefined) {
        open.pop();
        rmdirSync(top.path);
      } else if (child.isDirectory()) {
        open.push(opened(top.path + '/' + child.name, backwards));
      } else {
        unlinkSync(top.path + '/' + child.name);
      }
    } catch {
      top.next = top.children.length;
    }
  }
  const isOver = open.length === 0;
  if (isOver) clearings.delete(directory);
  return { id, isOver };
}

parentPort.on('message', (order) => {
  const work = order.clear !== undefined ? clear : order.links !== undefined ? link : copy;
  parentPort.postMessage(work(order));
});
`;
