import type { Keyword } from '../keyword.ts';
import { invalidValue } from '../reading.ts';
import { readDuration } from '../values.ts';

/** A month as Rails counts it. Source: app/models/project.rb (`MAX_BUILD_TIMEOUT`) */
const longestMs = 2_629_746_000;

/** How long the job may take, in milliseconds. */
export const timeout: Keyword<number> = {
  name: 'timeout',
  scopes: ['job', 'default'],
  read: (entry, reading) => {
    const ms = readDuration(entry.value, 'timeout', reading);
    if (ms !== undefined && ms > longestMs) {
      invalidValue(reading, entry.value.span, '`timeout` may be one month at most');
    }
    return ms;
  },
};
