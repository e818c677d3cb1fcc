import type { EngineSearch } from '../../executors/docker/engine.ts';
import type { Invocation } from '../invocation.ts';
import type { Locations } from '../locations.ts';
import type { Settings } from '../settings.ts';

/** What one look at the machine found. */
export interface Finding {
  /** `fail`: something that is needed here does not work; `warn`: something that may be wanted does not. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** One line, or several. */
  readonly message: string;
  /** What to do about it; always there unless all is well. */
  readonly fix?: string;
  /** The same for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The pipeline file that `ci run` would use here, as far as it matters for the machine. */
export type PipelineFacts =
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly name: string }
  | { readonly kind: 'valid'; readonly name: string; readonly jobsInDocker: number; readonly jobsInShell: number };

/** What checks look at; what takes time is found out once, when first asked for. */
export interface Machine {
  readonly invocation: Invocation;
  readonly locations: Locations;
  /** The user's and the repository's; undefined if they can't be read. */
  readonly settings: Settings | undefined;
  /** Why settings can't be read. */
  readonly settingsProblem: string | undefined;
  /** User id; undefined where there are none. */
  readonly uid: number | undefined;
  /** @throws SystemError for an address that can't be understood. */
  engine(): Promise<EngineSearch>;
  pipeline(): Promise<PipelineFacts>;
}

/** One thing that `ci doctor` looks at. */
export interface Check {
  /** Stays the same for ever: programs know it by this. */
  readonly id: string;
  /** It makes something on the machine and removes it: it is waited for also when all has to end. */
  readonly makesThings?: true;
  look(machine: Machine): Promise<Finding> | Finding;
}
