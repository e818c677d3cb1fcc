import type { Check } from './check.ts';
import { diskCheck } from './disk-check.ts';
import { engineCheck } from './engine-check.ts';
import { gitCheck } from './git-check.ts';
import { isolationCheck } from './isolation-check.ts';
import { leftoversCheck } from './leftovers-check.ts';
import { locksCheck } from './locks-check.ts';
import { loginsCheck } from './logins-check.ts';
import { networkCheck } from './network-check.ts';
import { nodeCheck } from './node-check.ts';
import { pipelineCheck } from './pipeline-check.ts';
import { settingsCheck } from './settings-check.ts';
import { shellsCheck } from './shells-check.ts';
import { terminalCheck } from './terminal-check.ts';

/** What `ci doctor` looks at, in the order in which it tells. */
export const checks: readonly Check[] = [
  pipelineCheck,
  settingsCheck,
  nodeCheck,
  gitCheck,
  shellsCheck,
  engineCheck,
  loginsCheck,
  isolationCheck,
  diskCheck,
  leftoversCheck,
  locksCheck,
  networkCheck,
  terminalCheck,
];
