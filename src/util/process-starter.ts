/**
 * Code of a process that starts other processes and does nothing else, so that it stays small. As text: the bundled
 * program is one file. Secrets reach it through its channel only, never its arguments. It ends when that is closed, and
 * what it has started goes on.
 * In: `LaunchRequest` with an `id`. Out: `ready`, `started`, `failed`, `ended`.
 */
export const starterCode = `
const { spawn } = require('node:child_process');
const { closeSync, constants, openSync } = require('node:fs');
const helper = process;
const say = (answer) => helper.connected && helper.send(answer, () => {});
helper.on('disconnect', () => helper.exit());
helper.on('message', ({ id, file, args, directory, env, stdin, outputs }) => {
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
});
say({ kind: 'ready' });
`;
