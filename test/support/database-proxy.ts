import { connect, createServer, type Server, type Socket } from 'node:net';
import { databaseUri } from './database.js';

/** A line to the test database that the test can cut: a real network fault to the driver. */
export class DatabaseProxy {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(
    private readonly server: Server,
    readonly uri: string,
  ) {}

  static async open(name: string): Promise<DatabaseProxy> {
    const target = new URL(
      databaseUri(name)
        .replace(/^mongodb:/, 'http:')
        .replace(/,[^/]*/, ''),
    );
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const uri = new URL(target.href);
    uri.host = `127.0.0.1:${port}`;
    // Discovery would lead the driver round the proxy.
    uri.searchParams.delete('replicaSet');
    uri.searchParams.set('directConnection', 'true');
    const proxy = new DatabaseProxy(server, uri.href.replace(/^http:/, 'mongodb:'));
    server.on('connection', (socket) =>
      proxy.join(socket, connect(Number(target.port || 27017), target.hostname)),
    );
    return proxy;
  }

  /**
   * Nothing passes any more. The driver's monitor, which connected first, loses its connection first: it can hang for good
   * (in 7.8) where a command fails in the very turn in which its own socket breaks.
   */
  cut(): void {
    this.isCut = true;
    const [monitor, ...others] = this.sockets;
    monitor?.destroy();
    for (const socket of others) socket.unpipe();
    setTimeout(() => others.forEach((socket) => socket.destroy()), 20);
  }

  restore(): void {
    this.isCut = false;
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
        client.destroy();
        database.destroy();
      });
    }
    if (this.isCut) return void client.destroy();
    client.pipe(database).pipe(client);
  }
}
