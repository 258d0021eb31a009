import { setTimeout as delay } from 'node:timers/promises';
import { BSON } from 'mongodb';
import { MongoServerFault } from './errors.js';

/** The state of a server as a client knows it: which process, and how many state changes it has had. */
export interface TopologyVersion {
  processId: BSON.ObjectId;
  counter: BSON.Long;
}

/** A mongod reaches this count when it becomes the primary of a set of one. */
const CHANGES_OF_A_NEW_PRIMARY = 6;
/** Maximum delay of a Node.js timer: a longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The answer to a hello never changes while the server runs; a client only learns that the process has changed or
 * gone.
 */
export class Topology {
  readonly version: TopologyVersion = {
    // Contains its creation time, from which clients read the start of the server.
    processId: new BSON.ObjectId(),
    counter: BSON.Long.fromNumber(CHANGES_OF_A_NEW_PRIMARY),
  };

  /**
   * Resolves at once for a client that knows another state, otherwise after the maximum wait or when its connection
   * closes.
   */
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
