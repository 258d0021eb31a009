import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Forwards everything except one reply: it is dropped together with its connection, as by a network failure. */
export class LossyProxy {
  private readonly sockets = new Set<Socket>();
  private doomed: string | undefined;
  dropped = 0;

  private constructor(
    private readonly tcp: Server,
    readonly port: number,
  ) {}

  static async before(upstreamPort: number): Promise<LossyProxy> {
    const tcp = createServer();
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const proxy = new LossyProxy(tcp, (tcp.address() as AddressInfo).port);
    tcp.on('connection', (socket) => proxy.join(socket, connect(upstreamPort, '127.0.0.1')));
    return proxy;
  }

  /** The next command with this name is executed, and its reply lost. */
  loseReplyTo(commandName: string): void {
    this.doomed = commandName;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.tcp.close();
    await once(this.tcp, 'close');
  }

  private join(client: Socket, server: Socket): void {
    let losesNextReply = false;
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        server.destroy();
        this.sockets.delete(socket);
      });
    }
    client.on('data', (bytes) => {
      if (this.doomed !== undefined && bytes.includes(`\x02${this.doomed}\0`)) {
        losesNextReply = true;
        this.doomed = undefined;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (!losesNextReply) return void client.write(bytes);
      this.dropped += 1;
      client.destroy();
    });
  }
}
