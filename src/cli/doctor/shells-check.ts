import { findProgram } from '../../util/find-program.ts';
import type { Check } from './check.ts';

/** What jobs without a container run in. */
export const shellsCheck: Check = {
  id: 'shells',
  look: ({ invocation: { env } }) => {
    const path = env['PATH'] ?? '';
    const [bash, sh, pwsh] = ['bash', 'sh', 'pwsh'].map((name) => findProgram(name, path));
    const details = { ...(bash && { bash }), ...(sh && { sh }), ...(pwsh && { pwsh }) };
    const found = Object.values(details).join(', ');
    if (sh === undefined && bash === undefined) {
      return {
        status: 'fail',
        message: 'neither bash nor sh is on the PATH',
        fix: 'install bash, or mend PATH',
        details,
      };
    }
    if (bash === undefined) {
      const fix = 'install bash: servers run scripts in it, and what only bash knows fails in sh';
      return { status: 'warn', message: `no bash, only ${found}`, fix, details };
    }
    return { status: 'ok', message: found, details };
  },
};
