// The least that running jobs costs: in-degree counters, one bash a job, its output read from a pipe. No parsing, no
// isolation, no log. `scheduler.mjs jobs.json CONCURRENCY`
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [, , file, concurrency = '2'] = process.argv;
const jobs = JSON.parse(readFileSync(file, 'utf8'));
const open = new Map(jobs.map((job) => [job.name, job.needs.length]));
const dependents = new Map(jobs.map((job) => [job.name, []]));
for (const job of jobs) for (const need of job.needs) dependents.get(need).push(job);
const ready = jobs.filter((job) => job.needs.length === 0);
let next = 0;
let running = 0;

function pump() {
  while (running < Number(concurrency) && next < ready.length) start(ready[next++]);
}

function start(job) {
  running++;
  const child = spawn('bash', ['-c', job.script], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.resume();
  child.stderr.resume();
  child.on('close', (code) => {
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

pump();
