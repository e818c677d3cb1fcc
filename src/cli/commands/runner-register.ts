import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { editConfigFile, prepareConfigFile } from '../../runner/config/config-file.ts';
import type { ConfigTable } from '../../runner/config/edit-config.ts';
import { askNobody, askOn, type Dialogue } from '../../runner/registration/questions.ts';
import { type RegisterOptions, register } from '../../runner/registration/register.ts';
import { registerSettings } from '../../runner/registration/register-settings.ts';
import { systemClock } from '../../util/clock.ts';
import { present } from '../../util/present.ts';
import { exitCodes, signalExitCode } from '../exit-code.ts';
import { type Invocation, print, printLines } from '../invocation.ts';
import { handleSignals } from '../run/signals.ts';
import { asCommand, type RunnerFileOptions, runnerFilePath, runnerPorts } from '../runner/runner-file.ts';
import { runnerTemplate, settingsTable } from '../runner/runner-settings.ts';

type Given = RunnerFileOptions & Readonly<Record<string, unknown>>;

/** `ci runner register`: lets a GitLab server know this machine, and writes it into the file of runners. */
export function runnerRegister(invocation: Invocation, _: readonly string[], given: Given): Promise<number> {
  return asCommand(async () => {
    const path = runnerFilePath(invocation, given);
    const template = await runnerTemplate(invocation.cwd, given['templateConfig']);
    const settings = settingsTable(registerSettings, given, template);
    prepareConfigFile(path);
    const ports = await runnerPorts(invocation, path);
    const stop = new AbortController();
    using dialogue = given['nonInteractive'] === true ? undefined : openDialogue(invocation, stop);
    using signals = handleSignals({ stop: () => stop.abort(), dropEverything: () => stop.abort() });
    const registering = register(optionsOf(given, settings), {
      ...ports,
      ask: dialogue === undefined ? askNobody : askOn(dialogue),
      clock: systemClock,
      signal: stop.signal,
      leave: given['leaveRunner'] === true,
    });
    // Ctrl-C ends questions and calls, and what has failed then has failed for that.
    const registered = await registering.catch((error: Error) => {
      if (signals.received() === undefined) throw error;
    });
    const signal = signals.received();
    if (registered === undefined || signal !== undefined) {
      await registered?.undo();
      return signalExitCode(signal ?? 'SIGINT');
    }
    try {
      await editConfigFile(path, [{ kind: 'add', runner: registered.runner }]);
    } catch (error) {
      await registered.undo();
      throw error;
    }
    await printLines(invocation.stderr, [
      "Runner registered successfully. Feel free to start it, but if it's running already the config should be automatically reloaded!",
      `Configuration (with the authentication token) was saved in ${JSON.stringify(resolve(path))}`,
    ]);
    return exitCodes.ok;
  });
}

function optionsOf(given: Given, settings: ConfigTable): RegisterOptions {
  const { executor, url, ...rest } = settings;
  const text = (key: string): string | undefined => (typeof given[key] === 'string' ? given[key] : undefined);
  const flag = (key: string): boolean | undefined => (typeof given[key] === 'boolean' ? given[key] : undefined);
  return {
    settings: rest,
    ...present({
      url: text('url') ?? (typeof url === 'string' ? url : undefined),
      token: text('token'),
      registrationToken: text('registrationToken'),
      name: text('description'),
      tagList: text('tagList'),
      maintenanceNote: text('maintenanceNote'),
      runUntagged: flag('runUntagged'),
      locked: flag('locked'),
      accessLevel: text('accessLevel') as RegisterOptions['accessLevel'],
      maximumTimeout: given['maximumTimeout'] as number | undefined,
      paused: flag('paused'),
      executor: text('executor') ?? (typeof executor === 'string' ? executor : undefined),
    }),
  };
}

/** Lines of the input; no terminal of its own, so that Ctrl-C stays the signal that it is. */
function openDialogue({ stdout }: Invocation, stop: AbortController): Dialogue & Disposable {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const iterator = lines[Symbol.asyncIterator]();
  stop.signal.addEventListener('abort', () => lines.close(), { once: true });
  return {
    write: (text) => print(stdout, text),
    readLine: async () => {
      const next = await iterator.next();
      return next.done ? undefined : next.value;
    },
    [Symbol.dispose]: () => {
      lines.close();
      process.stdin.unref?.();
    },
  };
}
