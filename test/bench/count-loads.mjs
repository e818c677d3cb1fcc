// `node --import` this: writes the URL of each module that is loaded as a line of the file $COUNT_LOADS, and the
// program of each process that is started as a line of $COUNT_SPAWNS.

import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import Module, { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const { COUNT_LOADS, COUNT_SPAWNS } = process.env;

/** Node's hook for loading a module. */
export async function load(url, context, next) {
  if (COUNT_LOADS) appendFileSync(COUNT_LOADS, `${url}\n`);
  return next(url, context);
}

if (isMainThread && COUNT_LOADS) {
  register(import.meta.url);
  // The hook does not hear of CommonJS modules that are loaded with require().
  process.on('exit', () => {
    for (const file of Object.keys(Module._cache)) appendFileSync(COUNT_LOADS, `${pathToFileURL(file)}\n`);
  });
}
if (isMainThread && COUNT_SPAWNS) {
  subscribe('child_process', ({ process: child }) => {
    const note = () => appendFileSync(COUNT_SPAWNS, `${child.spawnfile}\n`);
    child.once('spawn', note);
  });
}
