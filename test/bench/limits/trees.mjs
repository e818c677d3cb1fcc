// The least that giving a tree to jobs costs.
// `trees.mjs overlay|hardlink|copy|walk FROM TO [TIMES]`: TIMES trees in TO/0, TO/1, …
import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const workers = 2;

function walk(from) {
  const directories = [''];
  const files = [];
  for (let at = 0; at < directories.length; at++) {
    for (const entry of readdirSync(join(from, directories[at]), { withFileTypes: true })) {
      const path = join(directories[at], entry.name);
      if (entry.name === '.git' || entry.name === '.gitlab-ci-local') continue;
      if (entry.isDirectory()) directories.push(path);
      else files.push(path);
    }
  }
  return { directories, files };
}

const ways = {
  overlay(from, to) {
    for (const name of ['upper', 'work', 'merged']) mkdirSync(join(to, name), { recursive: true });
    const options = `lowerdir=${from},upperdir=${join(to, 'upper')},workdir=${join(to, 'work')}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, join(to, 'merged')]);
    readdirSync(join(to, 'merged'));
    execFileSync('umount', [join(to, 'merged')]);
  },
  hardlink(from, to) {
    const { directories, files } = walk(from);
    for (const path of directories) mkdirSync(join(to, path), { recursive: true });
    for (const path of files) linkSync(join(from, path), join(to, path));
  },
  async copy(from, to) {
    const { directories, files } = walk(from);
    for (const path of directories) mkdirSync(join(to, path), { recursive: true });
    const parts = Array.from({ length: workers }, (_, part) => files.filter((_, index) => index % workers === part));
    await Promise.all(
      parts.map(
        (part) =>
          new Promise((resolve, reject) => {
            const worker = new Worker(new URL(import.meta.url), { workerData: { from, to, files: part } });
            worker.once('error', reject);
            worker.once('exit', resolve);
          }),
      ),
    );
  },
  walk(from) {
    for (const path of walk(from).files) lstatSync(join(from, path));
  },
};

if (isMainThread) {
  const [, , way, from, to, times = '1'] = process.argv;
  for (let index = 0; index < Number(times); index++) await ways[way](from, join(to, String(index)));
} else {
  const { from, to, files } = workerData;
  for (const path of files) copyFileSync(`${from}/${path}`, `${to}/${path}`);
}
