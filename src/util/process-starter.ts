/**
 * Code of a process that starts other processes and does nothing else, so that it stays small. As text: the bundled
 * program is one file. Secrets reach it through its channel only, never its arguments. It ends when that is closed, and
 * what it has started goes on.
 * In: first `common`, an environment; then each `LaunchRequest` with an `id`, what to `set` and to `unset` in that environment in place of
 * `env`. Out: `ready`, `started`, `failed`, `ended`.
 */
export const starterCode = `
const { spawn } = require('node:child_process');
const { closeSync, constants, openSync } = require('node:fs');
const helper = process;
const say = (answer) => helper.connected && helper.send(answer, () => {});
helper.on('disconnect', () => helper.exit());
let common = {};
helper.on('message', (message) => {
  if (message.common !== undefined) common = message.common;
  else start(message);
});
function start({ id, file, args, directory, set, unset, stdin, outputs }) {
  const env = { ...common, ...set };
  for (const name of unset) delete env[name];
  const failed = (error) => {
    const { message, code, errno, syscall, path } = error;
    say({ kind: 'failed', id, error: { message, code, errno, syscall, path } });
  };
  const writers = [];
  try {
    for (const path of outputs) writers.push(openSync(path, constants.O_WRONLY));
    const child = spawn(file, args, { cwd: directory, env, stdio: ['pipe', ...writers], detached: true });
    child.on('error', (error) => child.pid === undefined && failed(error));
    if (child.pid === undefined) return;
    child.stdin.on('error', () => {});
    say({ kind: 'started', id, pid: child.pid });
    child.once('exit', (code, signal) => say({ kind: 'ended', id, code, signal }));
    child.stdin.end(stdin);
  } catch (error) {
    failed(error);
  } finally {
    for (const writer of writers) closeSync(writer);
  }
}
say({ kind: 'ready' });
`;
