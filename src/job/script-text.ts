import { shellQuote } from '../util/shell-quote.ts';

/** What a script's text is made of. */
export interface ScriptTextOptions {
  /** The shell that will read it. `plain` has no syntax we know (a user's own `shell:`): the text goes in as it is. */
  readonly shell: 'bash' | 'sh' | 'plain';
  /** `gitlab`: stop at the first failure, print each command before it runs. `plain`: neither. */
  readonly echo: 'gitlab' | 'plain';
  /** Directory that has to be in `PATH`, also where files that a shell reads at its start have set that anew. */
  readonly programs?: string;
  /** `GITLAB_ENV`: this variable of the script names a file with variables (`KEY=VALUE`) that earlier scripts left for later ones. */
  readonly environmentFileIn?: string;
  /** `on`: the shell prints every command it runs (`CI_DEBUG_TRACE`). */
  readonly trace?: 'on' | 'off';
}

/**
 * The text for a shell's standard input that runs the commands in one shell. The user's commands get an empty input
 * of their own, so that none of them eats the rest of the script; `exit 0` in the middle ends the script well, and a
 * syntax error is told by the shell itself. No text of the user's can leave its quotes.
 * Unlike GitLab Runner there is no subshell around it: a `trap … TERM` of the user's is then what the signal reaches.
 */
export function scriptText(commands: readonly string[], options: ScriptTextOptions): string {
  if (options.shell === 'plain') return `${commands.join('\n')}\n`;
  const prologue = [
    ...(options.programs === undefined ? [] : [inPath(options.programs)]),
    ...(options.echo === 'gitlab' ? strictMode(options.shell) : []),
    ...(options.environmentFileIn === undefined ? [] : [readVariables(options.environmentFileIn)]),
  ];
  const body = options.echo === 'gitlab' ? commands.map(echoed).join('\n') : commands.join('\n');
  const trace = options.trace === 'on' ? 'set -o xtrace\n' : '';
  return `${[...prologue, `eval ${shellQuote(`${trace}${body}\n`)} </dev/null`, 'exit'].join('\n')}\n`;
}

/**
 * Is this command line (`/bin/bash -eo pipefail`) one whose standard input is POSIX shell?
 * @returns the kind of text to write for it.
 */
export function shellOf(commandLine: string): 'bash' | 'sh' | 'plain' {
  const words = commandLine.trim().split(/\s+/);
  const name = (words[0] ?? '').replace(/^.*[/\\]/, '').replace(/\.exe$/i, '');
  if (words.includes('-c')) return 'plain';
  if (name === 'bash') return 'bash';
  return ['sh', 'dash', 'ash', 'ksh', 'mksh', 'zsh', 'busybox'].includes(name) ? 'sh' : 'plain';
}

function inPath(directory: string): string {
  const quoted = shellQuote(directory);
  return `case ":$PATH:" in *:${quoted}:*) ;; *) PATH=${quoted}:"$PATH"; export PATH ;; esac`;
}

/**
 * By the variable's name and not by its value, since a shell reads each byte before the commands by a call of its own.
 * Source: GitLab Runner, `shells/bash.go`, SourceEnv
 */
function readVariables(name: string): string {
  return `if [ -s "$${name}" ]; then set -o allexport; . "$${name}"; set +o allexport; fi`;
}

function strictMode(shell: 'bash' | 'sh'): readonly string[] {
  if (shell === 'bash') return ['set -eo pipefail +C'];
  return ['if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi', 'set -e +C'];
}

/** Source of the look: GitLab Runner, `shells/bash.go`. */
function echoed(command: string): string {
  const text = command.replace(/\n+$/, '');
  const lineEnd = text.indexOf('\n');
  const shown = lineEnd < 0 ? text : `${text.slice(0, lineEnd)} # collapsed multi-line command`;
  return `printf '%s\\n' ${shellQuote(`\x1b[32;1m$ ${shown}\x1b[0;m`)}\n${text}`;
}
