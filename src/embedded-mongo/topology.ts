import { setTimeout as delay } from 'node:timers/promises';

import { BSON } from 'mongodb';

import { MongoServerFault } from './errors.js';

/** What a client has heard of a server: of which process, and how many changes of its state. */
export interface TopologyVersion {
  processId: BSON.ObjectId;
  counter: BSON.Long;
}

/** How often the state of a mongod has changed when it has become the primary of a set of one. */
const CHANGES_OF_A_NEW_PRIMARY = 6;
/** Beyond it a timer of Node.js fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a hello tells of a server never changes while it runs: news is only that it is another process, or gone. */
export class Topology {
  readonly version: TopologyVersion = {
    // It carries the time of its making, from which clients can tell when the server was started.
    processId: new BSON.ObjectId(),
    counter: BSON.Long.fromNumber(CHANGES_OF_A_NEW_PRIMARY),
  };

  /** Resolves at once for whoever has not heard of this state, else after that time or when nobody listens any more. */
  async awaitNewsFor(known: TopologyVersion, maxAwaitMs: number, closed: AbortSignal): Promise<void> {
    const { processId, counter } = this.version;
    if (!known.processId.equals(processId) || known.counter.lessThan(counter)) return;
    if (known.counter.greaterThan(counter)) {
      throw new MongoServerFault(
        31382,
        `Received a topology version with counter: ${known.counter.toString()} which is greater than the server topology version counter: ${counter.toString()}`,
      );
    }
    const ms = Math.min(maxAwaitMs, LONGEST_TIMER_MS);
    await delay(ms, undefined, { ref: false, signal: closed }).catch(() => undefined);
  }
}
