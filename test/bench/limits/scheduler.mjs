// The least that running jobs costs: in-degree counters, one bash a job, its output read from a pipe. No parsing, no
// isolation, no log. `scheduler.mjs jobs.json CONCURRENCY`
// With a directory it also does what each of our jobs has to, in the plainest way: a copy of the tree in the current
// directory to work in, a log, a line in a file of events at its start and end, a printed line for each, the copy's
// removal. `scheduler.mjs jobs.json CONCURRENCY DIRECTORY`
// With `as-jobs` behind it the shell is started as a job's has to be: with as many variables as GitLab's jobs have, as
// leader of a session (to be ended with all it started), with the script on its standard input, which stops at the
// first failure and prints each command, and what is left of its processes is looked for when it has ended.
// `scheduler.mjs jobs.json CONCURRENCY DIRECTORY as-jobs`
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';

const [, , file, concurrency = '2', directory, manner = 'bare'] = process.argv;
const jobs = JSON.parse(readFileSync(file, 'utf8'));
const open = new Map(jobs.map((job) => [job.name, job.needs.length]));
const dependents = new Map(jobs.map((job) => [job.name, []]));
for (const job of jobs) for (const need of job.needs) dependents.get(need).push(job);
const ready = jobs.filter((job) => job.needs.length === 0);
const life = directory === undefined ? bareLife() : isolatedLife(directory);
let next = 0;
let running = 0;

function pump() {
  while (running < Number(concurrency) && next < ready.length) start(ready[next++]);
}

function start(job) {
  running++;
  const { cwd, output, end } = life(job);
  const child = manner === 'as-jobs' ? startAsJob(job, cwd) : startBare(job, cwd);
  child.stdout.on('data', output);
  child.stderr.on('data', output);
  child.on('close', (code) => {
    end(code);
    running--;
    if (code !== 0) process.exitCode = 1;
    for (const dependent of dependents.get(job.name)) {
      const left = open.get(dependent.name) - 1;
      open.set(dependent.name, left);
      if (left === 0) ready.push(dependent);
    }
    pump();
  });
}

function startBare(job, cwd) {
  return spawn('bash', ['-c', job.script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

function startAsJob(job, cwd) {
  const variables = Array.from({ length: 100 }, (_, index) => [
    `CI_VARIABLE_${index}`,
    `${job.name} ${'x'.repeat(20)}`,
  ]);
  const env = { ...process.env, ...Object.fromEntries(variables) };
  const child = spawn('bash', [], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const commands = `echo $'\\x1b[32;1m$ ${job.script}\\x1b[0;m'\n${job.script}\n`;
  child.stdin.end(`set -o pipefail\nset -o errexit\neval '${commands.replaceAll("'", `'\\''`)}' </dev/null\nexit\n`);
  child.on('exit', () => {
    try {
      process.kill(-child.pid, 0);
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing was left running.
    }
  });
  return child;
}

function bareLife() {
  return () => ({ cwd: undefined, output: () => {}, end: () => {} });
}

function isolatedLife(root) {
  const tree = ['.git', '.git/HEAD', '.git/config', '.git/index', '.git/objects', '.git/refs'];
  for (const name of readdirSync('.')) if (name !== '.git') tree.push(name);
  const entries = tree.map((path) => ({ path, stats: statSync(path) }));
  const tell = (job, what) => {
    appendFileSync(join(root, 'events'), `${JSON.stringify({ at: new Date().toISOString(), job, ...what })}\n`);
    process.stdout.write(`${job} > ${what.type}\n`);
  };
  mkdirSync(root, { recursive: true });
  return ({ name }) => {
    const cwd = join(root, name);
    const log = join(root, `${name}.log`);
    mkdirSync(cwd);
    for (const { path, stats } of entries) {
      if (stats.isDirectory()) mkdirSync(join(cwd, path));
      else {
        copyFileSync(path, join(cwd, path));
        utimesSync(join(cwd, path), stats.atime, stats.mtime);
      }
    }
    appendFileSync(log, '');
    tell(name, { type: 'started' });
    return {
      cwd,
      output: (bytes) => {
        appendFileSync(log, bytes);
        process.stdout.write(`${name} | ${bytes}`);
      },
      end: (code) => {
        tell(name, { type: 'finished', code });
        rmSync(cwd, { recursive: true });
      },
    };
  };
}

pump();
