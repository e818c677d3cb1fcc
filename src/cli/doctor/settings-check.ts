import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './check.ts';

/** Are the settings files right? */
export const settingsCheck: Check = {
  id: 'settings',
  look: ({ settings, settingsProblem, locations }) => {
    const file = join(locations.config, 'config.toml');
    const fix = 'mend the place that is named; see docs/settings.md';
    if (settings === undefined) return { status: 'fail', message: settingsProblem ?? 'unreadable', fix };
    const details = { file, exists: existsSync(file), options: settings.options };
    if (settings.warnings.length > 0) return { status: 'warn', message: settings.warnings.join('\n'), fix, details };
    const names = Object.keys(settings.options);
    const where = details.exists ? file : `no ${file}`;
    return { status: 'ok', message: names.length === 0 ? where : `${where}; set: ${names.join(', ')}`, details };
  },
};
