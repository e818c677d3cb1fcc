import { resolveColor } from '../../reporters/color.ts';
import type { Check } from './check.ts';

/** How output will look here. */
export const terminalCheck: Check = {
  id: 'terminal',
  look: ({ invocation: { stdout, env } }) => {
    const color = resolveColor({ flag: 'auto', env, isTTY: stdout.isTty });
    const term = env['TERM'] ?? '';
    const details = { isTerminal: stdout.isTty, color, term, ...(stdout.columns && { columns: stdout.columns }) };
    const size = stdout.columns === undefined ? '' : `, ${stdout.columns} columns`;
    const what = stdout.isTty ? `a terminal (${term || 'TERM is not set'})${size}` : 'not a terminal';
    return { status: 'ok', message: `${what}; ${color ? 'in colour' : 'without colour'}`, details };
  },
};
