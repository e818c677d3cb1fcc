import { markerName } from '../../util/process-strays.ts';
import { assignment } from '../preamble.ts';

/**
 * What every `ssh` is told to run, whatever shell the user has there: a shell that reads its program from the first line
 * of its input, so that nothing of it shows in lists of processes.
 */
export const remoteCommand = `exec sh -c 'IFS= read -r p && eval "$p"'`;

/** The first line of its input: the program, run by bash where there is one. */
export function programLine(program: string, variables: Readonly<Record<string, string>> = {}): string {
  const words = Object.entries(variables).map(([name, value]) => `${assignment(name, value)}; export ${name}`);
  return `${[...words, assignment('p', program)].join('; ')}; exec "$(command -v bash || command -v sh)" -c "$p"\n`;
}

/** As `programLine`, below a login shell, whose own words are thrown away. */
export function loginLine(program: string): string {
  const aside = 'exec 3<&0 4>&1 5>&2 </dev/null >/dev/null 2>&1';
  const back = 'exec 0<&3 1>&4 2>&5 3<&- 4>&- 5>&-';
  const login = 'if command -v bash; then exec bash -l -c "$p"; else exec sh -l -c "$p"; fi';
  return `${assignment('p', `${back}\n${program}`)}; ${aside}; ${login}\n`;
}

/** Says before its own words that they begin: what a start-up file of the user's prints comes before it. */
export const begin = `printf '%s' "$ci_mark"`;

/** Shell function that prints the pids of processes that carry the job's variable. One program looks at all. */
const marked = [
  'marked() {',
  `  for f in $(grep -lsF -e "${markerName}=$1" /proc/[0-9]*/environ 2>/dev/null); do`,
  '    f=${f#/proc/}; printf "%s " "${f%/environ}"',
  '  done',
  '}',
].join('\n');

/** Kills until nothing is left, of which new ones may still be starting. */
const killMarked = [
  'kill_marked() {',
  '  n=0',
  '  while [ $n -lt 50 ]; do',
  '    p=$(marked "$1"); [ -n "$p" ] || return 0',
  '    kill -KILL $p 2>/dev/null; n=$((n+1)); [ $n -lt 2 ] || sleep 0.1 2>/dev/null || sleep 1',
  '  done',
  '}',
].join('\n');

/** TERM to processes, KILL after `ci_grace` tenths of a second; ends when they are gone. */
export const endProgram = [
  marked,
  killMarked,
  'p=$(marked "$ci_marker"); [ -z "$p" ] || kill -TERM $p 2>/dev/null',
  'n=0',
  'while [ $n -lt "$ci_grace" ] && [ -n "$(marked "$ci_marker")" ]; do',
  '  n=$((n+1)); sleep 0.1 2>/dev/null || { sleep 1; n=$((n+9)); }',
  'done',
  'kill_marked "$ci_marker"',
].join('\n');

/**
 * Makes the job's directory, says where, and waits for the end of its input, answering what is asked: that ends when the session is closed, when
 * the connection breaks, and when we die. Then it kills what the job left, and removes the directory. With bash it also
 * ends when nothing at all comes for `ci_silence` seconds, since a machine that lost its power closes nothing.
 */
export const keeperProgram = [
  "trap '' HUP INT TERM PIPE",
  marked,
  killMarked,
  'fail() { printf "%s%s\\n" "$ci_mark" "error $1"; exit 0; }',
  '[ -r /proc/self/environ ] || fail "it is no Linux machine with /proc"',
  'for t in tar grep mkdir rm cat; do command -v $t >/dev/null || fail "there is no $t"; done',
  'cd || fail "the home directory is not there"',
  'home=$(pwd -P)',
  'mkdir -p -- "$ci_root" 2>/dev/null && cd -- "$ci_root" && root=$(pwd -P) || fail "the directory $ci_root can\'t be made"',
  '(umask 077 && mkdir -- "$ci_name") 2>/dev/null || fail "no directory can be made in $root"',
  'own=${root%/}/$ci_name',
  'cd /',
  'shell=sh; command -v bash >/dev/null && shell=bash',
  'printf "%sready %s\\n%s\\n%s\\n%s\\n" "$ci_mark" "$shell" "$(uname -n)" "$own" "$home"',
  'patience=; [ -z "$BASH_VERSION" ] || patience="-t $ci_silence"',
  'while IFS= read -r $patience line; do [ -z "$line" ] || printf "%s" "$line"; done',
  'kill_marked "$own/"',
  'rm -rf -- "$own" 2>/dev/null || { chmod -R u+rwx -- "$own"; rm -rf -- "$own"; } 2>/dev/null',
  '[ -n "$ci_keeproot" ] || rmdir -- "$root" 2>/dev/null',
  'exit 0',
].join('\n');

/**
 * Reads one line that sets the environment, then gives the rest of its input to the command's shell. Output goes through
 * pipes, since a script can't open sockets by name. When the shell has ended, both outputs are told so: whoever else
 * holds them open is not waited for.
 * @param mark not to be foreseen.
 */
export function runProgram(mark: string): string {
  return [
    'IFS= read -r __ci_line || exit 0',
    '__ci_body() { eval "$__ci_line"; unset IFS p __ci_line __ci_value; $__ci_shell; }',
    '__ci_run() {',
    `  printf '\\036${mark}b'; printf '\\036${mark}b' >&2`,
    '  (__ci_body); __ci_code=$?',
    `  printf '\\036${mark}e%03d' "$__ci_code"; printf '\\036${mark}e%03d' "$__ci_code" >&2`,
    '}',
    'exec 3>&1 4>&2',
    "{ __ci_run 2>&1 1>&5 3>&- 4>&- 5>&- | (trap '' TERM; exec cat) >&4 3>&- 5>&-; } 5>&1 | (trap '' TERM; exec cat) >&3 4>&-",
  ].join('\n');
}
