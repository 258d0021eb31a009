import type { ChangeLog } from './change-log.js';
import type { Cursors } from './cursors.js';
import type { Store } from './store.js';
import type { Topology } from './topology.js';

/** The state that all connections of one server share. */
export interface ServerState {
  readonly store: Store;
  readonly cursors: Cursors;
  readonly changeLog: ChangeLog;
  readonly topology: Topology;
  readonly port: number;
}
