import type { Check } from './check.ts';

/** The oldest Node that is tested. */
const oldest = [20, 19] as const;

/** Which Node runs us. */
export const nodeCheck: Check = {
  id: 'node',
  look: () => {
    const { version, platform, arch } = process;
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
    const details = { version, platform, arch };
    const message = `${version} on ${platform} ${arch}`;
    if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return { status: 'ok', message, details };
    return { status: 'fail', message, fix: `install Node ${oldest.join('.')} or newer`, details };
  },
};
