import { connect, createServer, type Server, type Socket } from 'node:net';
import { databaseUri } from './database.js';

/**
 * A proxy to the test database that can cut or freeze the connection or lose an answer: real network faults
 * for the driver.
 */
export class DatabaseProxy {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private isFrozen = false;
  /** The delay in each direction. */
  delayMs = 0;
  /** What arrived while frozen, in order. */
  private readonly held: { readonly chunk: Buffer | null; readonly go: () => void }[] = [];
  /** Commands whose next answer will be lost. */
  private readonly doomed = new Set<string>();
  /** The words of the command at which everything freezes. */
  private freezingAt: readonly string[] | null = null;

  private constructor(
    private readonly server: Server,
    readonly uri: string,
  ) {}

  static async open(name: string): Promise<DatabaseProxy> {
    return DatabaseProxy.openTo(databaseUri(name));
  }

  static async openTo(databaseUri: string): Promise<DatabaseProxy> {
    const target = new URL(databaseUri.replace(/^mongodb:/, 'http:').replace(/,[^/]*/, ''));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const uri = new URL(target.href);
    uri.host = `127.0.0.1:${port}`;
    // Server discovery would bypass the proxy.
    uri.searchParams.delete('replicaSet');
    uri.searchParams.set('directConnection', 'true');
    const proxy = new DatabaseProxy(server, uri.href.replace(/^http:/, 'mongodb:'));
    server.on('connection', (socket) =>
      proxy.join(socket, connect(Number(target.port || 27017), target.hostname)),
    );
    return proxy;
  }

  /** Breaks all connections and accepts no new ones. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** Closes every connection cleanly, as a restarting server does; accepts new ones. */
  hangUp(): void {
    for (const socket of this.sockets) socket.end();
  }

  restore(): void {
    this.isCut = false;
  }

  /** Holds everything back without breaking a connection, like packet loss; it arrives after the thaw. */
  freeze(): void {
    this.isFrozen = true;
  }

  /** Freezes when a command with all these words arrives, which is held back as well. */
  freezeAt(...words: string[]): void {
    this.freezingAt = words;
  }

  thaw(): void {
    this.isFrozen = false;
    this.freezingAt = null;
    for (const { go } of this.held.splice(0)) go();
  }

  /** Whether such a command is held back by the freeze. */
  isHolding(command: string): boolean {
    return this.held.some(({ chunk }) => chunk?.includes(command));
  }

  /** The database executes the next such command, but its answer is lost and the connection breaks. */
  loseAnswerTo(command: string): void {
    this.doomed.add(command);
  }

  /** Whether a requested loss has not happened yet. */
  get isWaitingToLose(): boolean {
    return this.doomed.size > 0;
  }

  async close(): Promise<void> {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, database: Socket): void {
    for (const socket of [client, database]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        this.pass(null, () => {
          client.destroy();
          database.destroy();
        });
      });
    }
    if (this.isCut) return void client.destroy();
    let isDoomed = false;
    const ask = (chunk: Buffer): void => {
      for (const command of this.doomed) {
        if (!chunk.includes(command)) continue;
        this.doomed.delete(command);
        isDoomed = true;
      }
      database.write(chunk);
    };
    const answer = (chunk: Buffer) => (isDoomed ? client.destroy() : client.write(chunk));
    client.on('data', (chunk: Buffer) => {
      if (this.freezingAt?.every((word) => chunk.includes(word))) this.freeze();
      this.pass(chunk, () => this.isCut || ask(chunk));
    });
    database.on('data', (chunk: Buffer) => this.pass(chunk, () => this.isCut || answer(chunk)));
  }

  private pass(chunk: Buffer | null, go: () => void): void {
    if (this.isFrozen) this.held.push({ chunk, go });
    else if (this.delayMs > 0) setTimeout(go, this.delayMs);
    else go();
  }
}
