import { cleanEngine } from '../clean/clean-engine.ts';
import { cleanMachine } from '../clean/clean-machine.ts';
import { together } from '../clean/item.ts';
import type { Check } from './check.ts';

/** What killed runs left: containers, networks, volumes, processes, mounts, directories. */
export const leftoversCheck: Check = {
  id: 'leftovers',
  look: async (machine) => {
    const { env } = machine.invocation;
    const { locations } = machine;
    // Without an engine the check of that tells all there is to tell.
    const found = await machine.engine().catch(() => undefined);
    const { items, problems } = together([
      ...(found?.engine === undefined ? [] : [await cleanEngine(found.engine, 'list', 'left alone')]),
      await cleanMachine(locations.state, env['PATH'] ?? '', 'list'),
    ]);
    const counts = new Map<string, number>();
    for (const { kind } of items) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const details = { items: items.map(({ kind, name }) => ({ kind, name })) };
    const fix = '`ci clean` removes them, as does the next run; `ci clean --dry-run` shows them';
    if (items.length > 0) {
      const message = [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ');
      return { status: 'warn', message: `of killed runs: ${message}`, fix, details };
    }
    const [problem] = problems;
    if (problem !== undefined) return { status: 'warn', message: problem, fix: 'try again, or see `engine`', details };
    return { status: 'ok', message: 'none', details };
  },
};
