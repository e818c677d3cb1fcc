/**
 * Code of a worker thread that copies, links and removes many small files with synchronous calls, which is several times
 * cheaper than the thread pool. As text: the bundled program is one file and has no second one to load into a thread.
 *
 * Copying. In: `{ id, paths: 'from\0to\0from\0to…', times: milliseconds, changes: ctimes or -1, sizes, modes, flags }`.
 * Out: `{ id, blocked: indices, torn: indices, failure? }`; `blocked` are those where something was in the way, `torn`
 * those that are no longer what they were said to be (only looked at where a ctime is given). Or, with less said of each file, in:
 * `{ id, paths: 'a\0b…', root, target, times, flags }`, each path being below both directories.
 *
 * Taking. In: `{ id, take: 'a\0b…', root, target, flags, largeBytes }`. Out: `{ id, stamps }`. Looks at files of `root` and copies those
 * that give no trouble to the same paths of `target`, whose directories it makes. All others have a type of -1 in the stamps (see
 * `stampedEntry`) and are not there: links, large files, those that were changed meanwhile or can't be read. By reading and writing, but
 * where the file system can share blocks: `copyFile` and two looks by path take a tenth longer.
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
import {
  chmodSync, closeSync, constants, copyFileSync, fchmodSync, fstatSync, futimesSync, linkSync, lstatSync, mkdirSync, openSync,
  readSync, readdirSync, rmdirSync, unlinkSync, utimesSync, writeSync
} from 'node:fs';

function copy({ id, paths, root, target, times, changes, sizes, modes, flags }) {
  const names = paths.split('\\0');
  const blocked = [];
  const torn = [];
  for (let i = 0; i < times.length; i++) {
    const from = root === undefined ? names[2 * i] : root + '/' + names[i];
    const to = root === undefined ? names[2 * i + 1] : target + '/' + names[i];
    try {
      copyFileSync(from, to, flags);
      utimesSync(to, times[i] / 1000, times[i] / 1000);
      if (root !== undefined) continue;
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

const quiet = { throwIfNoEntry: false };
let room;

function sharesBlocks(from, to) {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    unlinkSync(to);
    return true;
  } catch {
    return false;
  }
}

function isSame(then, now) {
  return now !== undefined && now.ino === then.ino && now.ctimeMs === then.ctimeMs && now.mtimeMs === then.mtimeMs && now.size === then.size;
}

function cloneOne(from, to, then, flags) {
  copyFileSync(from, to, flags);
  utimesSync(to, then.mtimeMs / 1000, then.mtimeMs / 1000);
  if (isSame(then, lstatSync(from, quiet))) return true;
  unlinkSync(to);
  return false;
}

function readOne(from, then) {
  const file = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readSync(file, room, 0, then.size + 1, null) === then.size && isSame(then, fstatSync(file));
  } finally {
    closeSync(file);
  }
}

// A mask, or default rights of the directory, may take bits away; for each mode the first file tells.
function writeOne(to, then, kept) {
  const mode = then.mode & 0o777;
  const file = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    if (writeSync(file, room, 0, then.size, null) !== then.size) throw new Error('not all was written');
    futimesSync(file, then.mtimeMs / 1000, then.mtimeMs / 1000);
    if (kept.has(mode)) return;
    if ((fstatSync(file).mode & 0o777) === mode) kept.add(mode);
    else fchmodSync(file, mode);
  } catch (error) {
    unlinkSync(to);
    throw error;
  } finally {
    closeSync(file);
  }
}

function take({ id, take: names, root, target, flags, largeBytes }) {
  const paths = names.split('\\0');
  const stamps = new Float64Array(8 * paths.length);
  const kept = new Set();
  let made = '';
  let clones;
  room ??= Buffer.allocUnsafeSlow(largeBytes + 1);
  for (let i = 0; i < paths.length; i++) {
    const path = paths[i];
    const at = 8 * i;
    stamps[at] = -1;
    try {
      const from = root + '/' + path;
      const to = target + '/' + path;
      const then = lstatSync(from, quiet);
      if (then === undefined || !then.isFile() || (then.mode & 0o7000) !== 0 || then.size > largeBytes) continue;
      const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      if (parent !== made) mkdirSync(target + '/' + parent, { recursive: true });
      made = parent;
      clones ??= sharesBlocks(from, to);
      if (clones) {
        if (!cloneOne(from, to, then, flags)) continue;
      } else {
        if (!readOne(from, then)) continue;
        writeOne(to, then, kept);
      }
      stamps[at + 1] = then.size;
      stamps[at + 2] = then.mode & 0o777;
      stamps[at + 3] = then.mtimeMs;
      stamps[at + 4] = then.ctimeMs;
      stamps[at + 5] = then.ino;
      stamps[at + 6] = then.dev;
      stamps[at + 7] = then.nlink;
      stamps[at] = 0;
    } catch {}
  }
  return { id, stamps };
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
  const work = order.clear !== undefined ? clear : order.links !== undefined ? link : order.take !== undefined ? take : copy;
  parentPort.postMessage(work(order));
});
`;
