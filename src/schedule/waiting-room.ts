import { SystemError } from '../model/outcome.ts';
import type { PlanNode } from '../model/plan.ts';
import type { ResourceLocks } from '../model/ports.ts';
import type { Clock } from '../util/clock.ts';
import type { HolderOf } from './circular-wait.ts';
import { ResourceGroups } from './resource-groups.ts';

/** A node that waits for its time and its resource group. */
export interface Waiter {
  readonly node: PlanNode;
  /** Name of its resource group, with the project whose it is. */
  readonly group: string | undefined;
  /** Aborted: it waits no longer. */
  readonly signal: AbortSignal;
  /** Does it still wait? It may have been canceled meanwhile. */
  isWaiting(): boolean;
  /** Would it wait for its group for ever? */
  isStuck(holderOf: HolderOf): boolean;
  /** Everything is there. */
  ready(): void;
  failed(error: unknown): void;
}

/** What a waiting room waits by, and whom it tells. */
export interface WaitingRoomOptions {
  readonly clock: Clock;
  readonly locks: ResourceLocks | undefined;
  /** Aborted: nobody waits for locks any more. */
  readonly signal: AbortSignal;
  /** Tells that a node waits for something other than its needs. */
  readonly tell: (
    node: PlanNode,
    what: { readonly for: 'delay' | 'resource-group'; readonly untilMs?: number },
  ) => void;
  /** Keeps track of work that nobody awaits. */
  readonly background: (work: Promise<unknown>) => void;
}

/** Another run's lock is noticed as something to wait for only after this time. */
const lockNoticeMs = 100;

/** Where nodes wait without taking a worker: for a delay to pass, then for their resource group. */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #groups: ResourceGroups;
  /** Groups that are held for a node, by its id, with the lock on them if there are locks. */
  readonly #held = new Map<string, { readonly name: string; readonly lock: AsyncDisposable | undefined }>();
  /** Ids of the nodes that hold groups, by the group. */
  readonly #holders = new Map<string, string>();

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    this.#groups = new ResourceGroups(options.locks, options.signal);
  }

  enter(waiter: Waiter): void {
    const { node } = waiter;
    if (node.when !== 'delayed') {
      this.#enterGroup(waiter);
      return;
    }
    const { clock, tell, background } = this.#options;
    const delayMs = node.startInMs ?? 0;
    tell(node, { for: 'delay', untilMs: clock.now() + delayMs });
    background(
      clock.sleep(delayMs, waiter.signal).then(() => {
        if (waiter.isWaiting()) this.#enterGroup(waiter);
      }),
    );
  }

  /** The node has ended: its group is free for the next. */
  leave(node: PlanNode): void {
    const held = this.#held.get(node.id);
    if (held === undefined) return;
    this.#held.delete(node.id);
    this.#holders.delete(held.name);
    this.#options.background(this.#groups.release(held.name, held.lock));
  }

  #enterGroup(waiter: Waiter): void {
    const { node, group: name } = waiter;
    const { locks, tell } = this.#options;
    if (name === undefined) {
      waiter.ready();
      return;
    }
    if (waiter.isStuck((group) => this.#holders.get(group))) {
      const message = `its resource group ${node.resourceGroup} is held by a job that waits for the pipeline of this one`;
      waiter.failed(new SystemError('stuck_or_timeout_failure', message));
      return;
    }
    if (this.#groups.isBusy(name)) tell(node, { for: 'resource-group' });
    else if (locks !== undefined) this.#noticeLock(waiter);
    const hold = (lock: AsyncDisposable | undefined): boolean => {
      this.#held.set(node.id, { name, lock });
      this.#holders.set(name, node.id);
      if (!waiter.isWaiting()) this.leave(node);
      return waiter.isWaiting();
    };
    this.#groups.request(name, {
      granted: (lock) => {
        if (hold(lock)) waiter.ready();
      },
      failed: (error) => {
        if (hold(undefined)) waiter.failed(error);
      },
    });
  }

  #noticeLock(waiter: Waiter): void {
    const { clock, tell, background } = this.#options;
    background(
      clock.sleep(lockNoticeMs, waiter.signal).then(() => {
        if (waiter.isWaiting()) tell(waiter.node, { for: 'resource-group' });
      }),
    );
  }
}
