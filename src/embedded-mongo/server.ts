import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';

import { ChangeLog } from './change-log.js';
import type { Execution } from './commands/execute.js';
import { Connection, reportUnexpected } from './connection.js';
import { Cursors } from './cursors.js';
import type { Journal } from './journal.js';
import { type WriteIdentity, RetryableWrites } from './retryable-writes.js';
import { Store } from './store.js';
import { Topology } from './topology.js';
import { removeExpired } from './ttl-monitor.js';
import type { Document } from './values.js';

/** The sockets, and what all of them share. */
export class MongoWireServer {
  private readonly store: Store;
  private readonly retries: RetryableWrites;
  private readonly cursors = new Cursors();
  private readonly changeLog = new ChangeLog();
  private readonly topology = new Topology();
  private readonly sockets = new Set<Socket>();
  private readonly tcp: Server;
  private readonly timer: NodeJS.Timeout;
  private lastConnectionId = 0;
  private boundPort = 0;

  constructor(
    store: Store,
    retries: RetryableWrites,
    private readonly journal: Journal | undefined,
    ttlMonitorIntervalMs: number,
  ) {
    this.store = store;
    this.retries = retries;
    this.tcp = createServer({ noDelay: true }, (socket) => this.accept(socket));
    this.timer = setInterval(() => this.tidy(), ttlMonitorIntervalMs).unref();
  }

  get port(): number {
    return this.boundPort;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.tcp.once('error', reject);
      // Never another address: nothing here asks who is calling.
      this.tcp.listen(port, '127.0.0.1', () => {
        this.tcp.off('error', reject);
        resolve();
      });
    });
    this.boundPort = (this.tcp.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.cursors.killAll();
    for (const socket of this.sockets) socket.destroy();
    if (this.tcp.listening) await new Promise((resolve) => this.tcp.close(resolve));
    this.journal?.close();
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    const closed = new AbortController();
    socket.on('close', () => {
      this.sockets.delete(socket);
      closed.abort();
    });
    new Connection(socket, this.execution(socket, closed.signal));
  }

  private execution(socket: Socket, closed: AbortSignal): Execution {
    const { store, cursors, changeLog, topology, retries } = this;
    const remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    return {
      server: { store, cursors, changeLog, topology, port: this.boundPort },
      connection: { id: ++this.lastConnectionId, remoteAddress, metadataSent: false, closed },
      settle: (write) => this.settle(write),
      identify: (command) => retries.identify(command),
      replyTo: (identity) => retries.replyTo(identity),
    };
  }

  /** First the journal, then everybody else: what is acknowledged or seen must survive a restart. */
  private settle(write?: { identity: WriteIdentity; reply: Document }): void {
    const changes = this.store.takeChanges();
    if (changes.length > 0) this.journal?.append(changes, write);
    if (write) this.retries.remember(write.identity, write.reply);
    if (changes.length > 0) this.changeLog.publish(changes);
  }

  private tidy(): void {
    const now = Date.now();
    try {
      removeExpired(this.store, now);
      this.settle();
    } catch (error) {
      reportUnexpected(error);
    }
    this.cursors.dropIdle(now);
    this.retries.dropIdle(now);
  }
}
