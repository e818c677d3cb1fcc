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

/** What is sent to the shell ahead of the script, to set variables and the directory. */
export interface Preamble {
  /** One line with its line feed. */
  readonly line: string;
  /** Names of variables that can't be set: no shell could export them. */
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

/** Words that set a variable to any text without NUL, on one line. */
export function assignment(name: string, value: string): string {
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
