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
  return [
    'for p in /proc/[0-9]*; do',
    `  if tr '\\0' '\\n' <"$p/environ" 2>/dev/null | grep -qxF '${assignment}'; then kill -${signal} "\${p#/proc/}"; fi`,
    'done 2>/dev/null',
  ].join('\n');
}

/** Shells refuse to set these, or set them themselves. */
export const ownVariables: ReadonlySet<string> = new Set([
  'BASHOPTS',
  'BASH_VERSINFO',
  'EUID',
  'IFS',
  'LINENO',
  'OPTIND',
  'PPID',
  'SHELLOPTS',
  'UID',
  '_',
]);

export interface Preamble {
  /** One line with its line feed. */
  readonly line: string;
  /** Names of variables that can't be set in a container: no shell could export them. */
  readonly skipped: readonly string[];
}

/**
 * Writes the line that the bootstrap reads. Safe for any value without NUL: plain text in single quotes, all else as
 * octal escapes of its UTF-8 bytes.
 */
export function preamble(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** A command line, split at spaces. */
  readonly shell: string;
  /** Known to the bootstrap alone; with it, what the command has used is told at its end. */
  readonly usageMark?: string;
}): Preamble {
  const words: string[] = [];
  const skipped: string[] = [];
  for (const [name, value] of Object.entries(options.env)) {
    if (ownVariables.has(name)) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) skipped.push(name);
    else words.push(assign(name, value));
  }
  if (options.directory !== undefined) {
    words.push(`${assignment('__ci_value', options.directory)}; cd "$__ci_value" || exit 1`);
  }
  words.push(assignment('__ci_shell', options.shell), assignment('__ci_mark', options.usageMark ?? ''));
  return { line: `${words.join('; ')}\n`, skipped };
}

function assign(name: string, value: string): string {
  if (isPlain(value)) return `export ${name}=${quote(value)}`;
  return `${assignment('__ci_value', value)}; export ${name}="$__ci_value"`;
}

function assignment(name: string, value: string): string {
  if (isPlain(value)) return `${name}=${quote(value)}`;
  // The trailing `_` keeps line feeds at the end, which command substitution takes away.
  return `${name}=$(printf '${octal(value)}_'); ${name}=\${${name}%_}`;
}

/** Does a text stand for itself in single quotes, on one line? */
export function isPlain(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}

/** Quotes a text for any POSIX shell. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/** A text as `printf` writes it when this is its format: UTF-8, all but plain characters as octal escapes. */
export function octal(value: string): string {
  let text = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x27 && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}
