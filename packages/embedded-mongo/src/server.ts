import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Execution } from './commands/execute.js';
import { Connection, reportUnexpected } from './connection.js';
import { ChangeLog } from './engine/change-log.js';
import { Cursors } from './engine/cursors.js';
import type { Journal } from './engine/journal.js';
import { RetryableWrites, type WriteIdentity } from './engine/retryable-writes.js';
import { Store } from './engine/store.js';
import { Topology } from './engine/topology.js';
import { removeExpired } from './engine/ttl-monitor.js';
import type { Document } from './engine/values.js';

/** The listening socket, the connections, and what they share. */
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
      // Loopback only: there is no authentication.
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
    new Connection(socket, this.execution(closed.signal));
  }

  private execution(closed: AbortSignal): Execution {
    const { store, cursors, changeLog, topology, retries } = this;
    this.lastConnectionId += 1;
    return {
      server: { store, cursors, changeLog, topology, port: this.boundPort },
      connection: { id: this.lastConnectionId, metadataSent: false, closed },
      settle: (write) => this.settle(write),
      identify: (command) => retries.identify(command),
      replyTo: (identity) => retries.replyTo(identity),
    };
  }

  /** Writes to the journal first: what is acknowledged or published must survive a restart. */
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
