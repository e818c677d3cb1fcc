import { tellUsage } from './usage-words.ts';

/**
 * What a container runs as `sh -c`: reads one line that sets the environment, then gives the rest of its input to a
 * shell. `read` takes no byte more than the line. USR1 tells it that the job is being ended: it then waits for what
 * is left, since the end of process 1 is the end of all others.
 */
export const bootstrap = bootstrapOf(undefined);

/**
 * The bootstrap of a container that an image's entrypoint starts.
 * @param greeting a line that says that the entrypoint has let the bootstrap run and has left it its input. Plain.
 */
export function bootstrapOf(greeting: string | undefined): string {
  return [
    "trap '__ci_stop=1' USR1",
    '__ci_stop=',
    'IFS= read -r __ci_line || exit 0',
    // In two parts: an entrypoint that only prints its arguments is not taken for the greeting.
    ...(greeting === undefined ? [] : [`echo ${greeting.slice(0, 1)}''${greeting.slice(1)}`]),
    'eval "$__ci_line"',
    'unset IFS __ci_line __ci_value',
    '$__ci_shell',
    '__ci_code=$?',
    'while [ -n "$__ci_stop" ] && kill -0 -1 2>/dev/null; do sleep 0.05 2>/dev/null || sleep 1 || break; done',
    tellUsage,
    'exit "$__ci_code"',
  ].join('\n');
}

/** Ends what runs in a container whose process 1 is the bootstrap; run as root inside. */
export const endAll = 'kill -USR1 1; kill -TERM -1';

/** Sends a signal to the processes that carry `assignment` (NAME=value) in their environment; run as their user inside. */
export function endMarked(assignment: string, signal: 'TERM' | 'KILL'): string {
  return toMarked(assignment, `kill -${signal} "\${p#/proc/}"`);
}

/** Ends all of those processes: by HUP, which interactive shells end by, and by KILL those that are there a second later. */
export function hangUpMarked(assignment: string): string {
  const hangUp = toMarked(assignment, 'kill -HUP "${p#/proc/}"; __ci_any=1');
  return ['__ci_any=', hangUp, 'if [ -n "$__ci_any" ]; then', '  sleep 1', endMarked(assignment, 'KILL'), 'fi'].join(
    '\n',
  );
}

function toMarked(assignment: string, doing: string): string {
  return [
    'for p in /proc/[0-9]*; do',
    `  if tr '\\0' '\\n' <"$p/environ" 2>/dev/null | grep -qxF '${assignment}'; then ${doing}; fi`,
    'done 2>/dev/null',
  ].join('\n');
}
