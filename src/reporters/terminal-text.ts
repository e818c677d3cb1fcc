/*
 * Escape sequences as ECMA-48 writes them: CSI, then the strings (OSC, DCS, SOS, PM, APC) up to BEL or ST, then the
 * short ones. What is left over of a broken sequence falls to the control characters. The last class holds the
 * characters that turn the direction of text, which can make a line read as something else.
 */
const unsafe =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\x9d\x90\x98\x9e\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]|[\x00-\x1f\x7f-\x9f]|[\u202a-\u202e\u2066-\u2069]/g;
const colour = /^\x1b\[[0-9;:]*m$/;
const reset = '\x1b[0m';

/** Removes every escape sequence and control character; tabs and line ends become a space. For one line of text. */
export function stripAnsi(text: string): string {
  return text.replace(unsafe, (match) => (match === '\n' || match === '\t' || match === '\r' ? ' ' : ''));
}

/** As `stripAnsi`, but keeps colours (SGR sequences), ended by a reset. */
export function keepColours(text: string): string {
  let coloured = false;
  const kept = text.replace(unsafe, (match) => {
    if (match === '\n' || match === '\t' || match === '\r') return ' ';
    if (!colour.test(match)) return '';
    coloured = true;
    return match;
  });
  return coloured ? kept + reset : kept;
}

/** A name or message from a pipeline file, fit to stand in one line: colours only if `color`, nothing else that acts. */
export function oneLine(text: string, options: { readonly color: boolean }): string {
  return options.color ? keepColours(text) : stripAnsi(text);
}

/** Splits text into lines as a reader sees them: of a line rewritten with `\r` only the last state; colours stay. */
export function visibleLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => keepColours(lastState(line)));
}

function lastState(line: string): string {
  if (!line.includes('\r')) return line;
  const states = line.split('\r');
  for (let index = states.length - 1; index >= 0; index--) {
    const state = states[index]!;
    if (stripAnsi(state).trim() !== '') return state;
  }
  return '';
}

/** Colours (SGR) and erasing a line (EL): what jobs and runners write most. */
const colorSequence = /\x1b\[[0-9;]*[mK]/g;

/** Takes colours out of text of any length and leaves everything else, line ends included. */
export function stripColors(text: string): string {
  return text.includes('\x1b') ? text.replace(colorSequence, '') : text;
}
