import { SystemError } from '../../model/outcome.ts';
import { shortReason } from './engine.ts';

/**
 * What an engine's refusal to start a job's container says about its image; undefined if it is not the image's fault.
 * @param image with its tag.
 */
export function imageProblem(image: string, error: unknown): SystemError | undefined {
  const reason = shortReason(error);
  // runc and crun, of several versions.
  if (/exec: "sh"|"sh": executable file not found|sh: no such file|executable file `sh` not found/.test(reason)) {
    return new SystemError('runner_configuration_error', `image \`${image}\` has no \`sh\`: jobs need a shell in it`, {
      cause: error,
      hint: 'take an image with a shell (often its `debug` or `alpine` variant)',
    });
  }
  if (/exec format error/.test(reason)) {
    return new SystemError('runner_configuration_error', `image \`${image}\` is made for another platform`, {
      cause: error,
      hint: "take an image for this one, or install emulation (binfmt) on the engine's machine",
    });
  }
  const name = programIn(reason);
  if (name === undefined) return undefined;
  return new SystemError('runner_configuration_error', `image \`${image}\` can't start its entrypoint \`${name}\``, {
    cause: error,
    hint: `take the entrypoint away: ${withoutEntrypoint(image)}`,
  });
}

/** As `imageProblem`, of a service's container. @param service the name that the job knows it by. */
export function serviceProblem(service: string, image: string, error: unknown): SystemError | undefined {
  const reason = shortReason(error);
  const isOther = /exec format error/.test(reason);
  const program = isOther ? undefined : programIn(reason);
  if (!isOther && program === undefined) return undefined;
  const what = isOther ? 'is made for another platform' : `can't start \`${program}\``;
  const hint = isOther
    ? "take an image for this one, or install emulation (binfmt) on the engine's machine"
    : "look at the service's `command` and `entrypoint`: a program of the image, and each word an item of its own";
  return new SystemError('runner_configuration_error', `service \`${service}\`: image \`${image}\` ${what}`, {
    cause: error,
    hint,
  });
}

/** The program that could not be started, as runc or crun name it. */
function programIn(reason: string): string | undefined {
  const found = /exec: \\?"([^"\\]+)\\?"|executable file `([^`]+)` not found/.exec(reason);
  return found?.[1] ?? found?.[2];
}

/** The entrypoint of an image ended, and the job's shell never got its script. */
export function swallowedByEntrypoint(image: string, exitCode: number): SystemError {
  const message = `the entrypoint of image \`${image}\` did not run the job's shell: it ended with exit code ${exitCode}`;
  return new SystemError('runner_configuration_error', message, {
    hint: `take the entrypoint away: ${withoutEntrypoint(image)} (the image also needs a shell, \`sh\`)`,
  });
}

/** The entrypoint of an image takes its time, or never comes to the job's shell. */
export function entrypointIsSlow(image: string, afterMs: number): string {
  const what = `the entrypoint of image ${image} has not started the job's shell after ${afterMs / 1000} s`;
  return `WARNING: ${what}; if it never does: ${withoutEntrypoint(image)}`;
}

function withoutEntrypoint(image: string): string {
  return `\`image: { name: ${image}, entrypoint: [""] }\``;
}
