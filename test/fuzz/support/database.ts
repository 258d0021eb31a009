import type { Execution } from '../../../packages/embedded-mongo/src/commands/execute.js';
import { ChangeLog } from '../../../packages/embedded-mongo/src/engine/change-log.js';
import { Cursors } from '../../../packages/embedded-mongo/src/engine/cursors.js';
import { RetryableWrites } from '../../../packages/embedded-mongo/src/engine/retryable-writes.js';
import { Store } from '../../../packages/embedded-mongo/src/engine/store.js';
import { Topology } from '../../../packages/embedded-mongo/src/engine/topology.js';

export interface Database {
  readonly execution: Execution;
  /** Ends commands that wait for changes. */
  close(): void;
}

/** An empty embedded database with one connection, without a socket. */
export function emptyDatabase(): Database {
  const store = new Store();
  const retries = new RetryableWrites();
  const cursors = new Cursors();
  const changeLog = new ChangeLog();
  const closing = new AbortController();
  return {
    execution: {
      server: { store, cursors, changeLog, topology: new Topology(), port: 27017 },
      connection: { id: 1, metadataSent: false, closed: closing.signal },
      settle: (write) => {
        const changes = store.takeChanges();
        if (write) retries.remember(write.identity, write.reply);
        if (changes.length > 0) changeLog.publish(changes);
      },
      identify: (command) => retries.identify(command),
      replyTo: (identity) => retries.replyTo(identity),
    },
    close: () => {
      cursors.killAll();
      closing.abort();
    },
  };
}
