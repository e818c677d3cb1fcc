/** `--color` as given on the command line. */
export type ColorFlag = 'always' | 'never' | 'auto';

/** The variables that decide about colour; the composition root hands its environment in. */
export type ColorEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Decides about colour for one stream: `--color`, then `NO_COLOR` (non-empty), then `FORCE_COLOR` / `CLICOLOR_FORCE`,
 * then `TERM=dumb`, then whether it is a terminal. Sources: https://no-color.org, https://bixense.com/clicolors/
 */
export function resolveColor(given: {
  readonly flag: ColorFlag;
  readonly env: ColorEnvironment;
  readonly isTTY: boolean;
}): boolean {
  const { flag, env, isTTY } = given;
  if (flag !== 'auto') return flag === 'always';
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  // Node and chalk read an empty FORCE_COLOR as "yes", 0 and false as "no".
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['CLICOLOR_FORCE'] !== undefined && env['CLICOLOR_FORCE'] !== '' && env['CLICOLOR_FORCE'] !== '0') return true;
  if (env['TERM'] === 'dumb') return false;
  return isTTY;
}

/** What a piece of text is; how that looks is decided here alone. */
export type PaintKind =
  | 'error'
  | 'warning'
  | 'success'
  | 'running'
  | 'location'
  | 'caret'
  | 'hint'
  | 'heading'
  | 'muted'
  | 'strong';

/** Colours text by what it is. Without colour it gives the text back. */
export type Paint = (kind: PaintKind, text: string) => string;

/** The Paint of a stream without colour. */
export const noPaint: Paint = (_kind, text) => text;

/** Makes the Paint of a stream; loads chalk only if there is something to colour. */
export async function createPaint(options: { readonly color: boolean }): Promise<Paint> {
  if (!options.color) return noPaint;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const styles: Readonly<Record<PaintKind, (text: string) => string>> = {
    error: chalk.red,
    warning: chalk.yellow,
    success: chalk.green,
    running: chalk.cyan,
    location: chalk.bold,
    caret: chalk.green.bold,
    hint: chalk.cyan,
    heading: chalk.bold.underline,
    muted: chalk.dim,
    strong: chalk.bold,
  };
  return (kind, text) => styles[kind](text);
}
