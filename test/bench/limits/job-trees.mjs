// The least that trees of jobs cost with all that a run owes them: only what git names, modes and times kept, a look at a
// file before and after it is copied from where somebody may write to it, and what a job had removed when it has ended.
// `job-trees.mjs snapshot FROM TO`: a copy of a working tree that stays, and one job over it.
// `job-trees.mjs jobs FROM TO TIMES`: TIMES jobs one after the other, each with a copy of a tree that nobody writes to.
// `job-trees.mjs cache FROM TO`: one such job, and a look whether it changed anything.
// `job-trees.mjs artifacts FROM TO TIMES`: a job that makes what TIMES others get, two at once.
import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const concurrency = 2;
const batchSize = 500;
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

// In the threads.

let room = Buffer.allocUnsafeSlow(1024 * 1024);

function copyFile(from, to, look) {
  const before = look ? lstatSync(from) : undefined;
  const source = openSync(from, O_RDONLY | O_NOFOLLOW);
  const then = before ?? fstatSync(source);
  if (then.size > room.length) room = Buffer.allocUnsafeSlow(then.size);
  const bytes = readSync(source, room, 0, then.size, null);
  const after = look ? fstatSync(source) : then;
  closeSync(source);
  if (bytes !== then.size || after.ctimeMs !== then.ctimeMs || after.ino !== then.ino)
    throw new Error(`${from} changed`);
  const target = openSync(to, O_WRONLY | O_CREAT | O_EXCL, then.mode);
  writeSync(target, room, 0, bytes, null);
  futimesSync(target, then.atimeMs / 1000, then.mtimeMs / 1000);
  closeSync(target);
}

const orders = {
  copy({ from, to, files, look }) {
    for (const path of files) copyFile(`${from}/${path}`, `${to}/${path}`, look);
  },
  remove({ from, files }) {
    for (const path of files) unlinkSync(`${from}/${path}`);
  },
  /** The newest time of change. */
  look({ from, files }) {
    let newest = 0;
    for (const path of files) newest = Math.max(newest, lstatSync(`${from}/${path}`).ctimeMs);
    return newest;
  },
};

// In the main thread.

function startThreads() {
  const waiting = [];
  const threads = Array.from({ length: concurrency }, () => {
    const worker = new Worker(new URL(import.meta.url));
    worker.on('error', (error) => {
      throw error;
    });
    worker.on('message', (answer) => waiting[answer.id](answer.result));
    return worker;
  });
  /** Does for all files, in batches of which each thread gets the next. */
  const all = (order, given, files) =>
    Promise.all(
      Array.from({ length: Math.ceil(files.length / batchSize) }, (_, batch) => {
        const part = files.slice(batch * batchSize, (batch + 1) * batchSize);
        return new Promise((resolve) => {
          const id = waiting.push(resolve) - 1;
          threads[id % concurrency].postMessage({ id, order, ...given, files: part });
        });
      }),
    );
  return { all, end: () => Promise.all(threads.map((thread) => thread.terminate())) };
}

function walk(from) {
  const directories = [''];
  const files = [];
  for (const directory of directories) {
    const before = directory === '' ? '' : `${directory}/`;
    for (const entry of readdirSync(`${from}/${directory}`, { withFileTypes: true })) {
      if (entry.name === '.git') continue;
      (entry.isDirectory() ? directories : files).push(before + entry.name);
    }
  }
  return { directories, files };
}

function run(cwd, ...argv) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`${argv[0]}: ${code}`))));
  });
}

async function copyTree({ directories, files }, from, to, threads, look) {
  const meta = directories.map((path) => lstatSync(`${from}/${path}`));
  mkdirSync(to, { recursive: true });
  for (const [index, path] of directories.entries()) if (path !== '') mkdirSync(`${to}/${path}`, meta[index].mode);
  await threads.all('copy', { from, to, look }, files);
  for (const [index, path] of directories.entries()) {
    utimesSync(`${to}/${path}`, meta[index].atimeMs / 1000, meta[index].mtimeMs / 1000);
  }
}

async function removeTree({ directories, files }, from, threads) {
  await threads.all('remove', { from }, files);
  for (const path of directories.toReversed()) rmdirSync(`${from}/${path}`);
}

const ways = {
  async snapshot(from, to, _times, threads) {
    const text = await run(from, 'git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
    const files = text.split('\0').filter((path) => path !== '');
    const directories = new Set(['']);
    for (const path of files) {
      for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
        directories.add(path.slice(0, slash));
    }
    await copyTree({ directories: [...directories], files }, from, `${to}/tree`, threads, true);
    await run(`${to}/tree`, 'bash', '-c', 'true');
  },
  async jobs(from, to, times, threads) {
    const tree = walk(from);
    for (let index = 0; index < times; index++) {
      await copyTree(tree, from, `${to}/${index}`, threads, false);
      await run(`${to}/${index}`, 'bash', '-c', 'true');
      await removeTree(tree, `${to}/${index}`, threads);
    }
  },
  async cache(from, to, _times, threads) {
    const tree = walk(from);
    await copyTree(tree, from, `${to}/job`, threads, false);
    const startedMs = Date.now();
    await run(`${to}/job`, 'bash', '-c', 'test -d .');
    const now = walk(`${to}/job`);
    const newest = await threads.all('look', { from: `${to}/job` }, now.files);
    if (now.files.length !== tree.files.length || Math.max(...newest) > startedMs) throw new Error('it was changed');
    await removeTree(tree, `${to}/job`, threads);
  },
  async artifacts(from, to, times, threads) {
    mkdirSync(`${to}/make`);
    await run(`${to}/make`, 'bash', '-c', 'cp -a "$0" out', from);
    const tree = walk(`${to}/make/out`);
    for (const path of tree.files) lstatSync(`${to}/make/out/${path}`);
    renameSync(`${to}/make/out`, `${to}/kept`);
    rmdirSync(`${to}/make`);
    const consumer = async (index) => {
      await copyTree(tree, `${to}/kept`, `${to}/${index}/out`, threads, false);
      await run(`${to}/${index}`, 'bash', '-c', 'test -d out');
      await removeTree(tree, `${to}/${index}/out`, threads);
    };
    let next = 0;
    const oneAfterTheOther = async () => {
      while (next < times) await consumer(next++);
    };
    await Promise.all(Array.from({ length: concurrency }, oneAfterTheOther));
  },
};

if (isMainThread) {
  const [, , way, from, to, times = '1'] = process.argv;
  process.umask(0);
  const threads = startThreads();
  await ways[way](from, to, Number(times), threads);
  await threads.end();
} else {
  parentPort.on('message', ({ id, order, ...given }) => parentPort.postMessage({ id, result: orders[order](given) }));
}
