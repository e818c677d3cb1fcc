import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import type { Command, CommanderError } from 'commander';
import { actions } from './actions.ts';
import { CommandError, describeFailure, exitCodes } from './exit-code.ts';
import { type Invocation, printMessage, type Terminal } from './invocation.ts';
import { createProgram, type Execute } from './program.ts';

function terminal(stream: NodeJS.WriteStream): Terminal {
  return { stream, isTty: stream.isTTY === true, columns: stream.columns };
}

function invocation(outputLost: AbortSignal): Invocation {
  // The bundle's entry is dist/ci.js.
  const packageRoot = new URL('..', import.meta.url);
  return {
    env: process.env,
    cwd: process.cwd(),
    stdout: terminal(process.stdout),
    stderr: terminal(process.stderr),
    // `process.stdin` would open it as a stream.
    stdinIsTty: isatty(0),
    outputLost,
    version: (JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }).version,
    packageRoot,
  };
}

/** Reads the command line, runs the command, and resolves with the exit code. */
async function main(argv: readonly string[], given: Invocation): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const execute: Execute = async (command, arguments_, options) => {
    const directory = options['directory'];
    const cwd = typeof directory === 'string' ? resolve(given.cwd, directory) : given.cwd;
    if (cwd !== given.cwd) {
      try {
        process.chdir(cwd);
      } catch {
        throw new CommandError(exitCodes.usage, `there is no folder ${String(directory)}`);
      }
    }
    const action = await actions[command]!();
    exitCode = await action({ ...given, cwd }, arguments_, options as never);
  };
  const program = await createProgram(given.version, execute, argv[0]);
  for (const command of withAllBelow(program)) command.exitOverride();
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    const code = (error as CommanderError).code;
    if (typeof code === 'string' && code.startsWith('commander.')) {
      // Commander has printed its message; asking for help or the version is no mistake.
      const asked = code === 'commander.helpDisplayed' || code === 'commander.version';
      return asked ? exitCodes.ok : exitCodes.usage;
    }
    const failure = describeFailure(error);
    await printMessage(given, failure.text);
    return failure.exitCode;
  }
}

function withAllBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}

// Each job listens to the signal that ends the run. Node takes more than ten listeners for a leak, and tells the user.
setMaxListeners(0);

// A reader that went away, a closed terminal or a full disk must not end us before we have cleaned up.
const outputLost = new AbortController();
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => outputLost.abort(error));
}

// Should nothing be left to wait for before the command has ended: that is a bug of ours, never a success.
process.exitCode = exitCodes.bug;
void main(process.argv.slice(2), invocation(outputLost.signal)).then((exitCode) => {
  process.exitCode = exitCode;
  // All is done and cleaned up. Node would now give back its memory piece by piece and wait for its threads, 10 to 40 ms.
  if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
  // A connection that somebody keeps open must not keep the user waiting.
  setTimeout(() => process.exit(), 1000).unref();
});
