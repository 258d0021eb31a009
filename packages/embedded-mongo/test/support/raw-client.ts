import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BSON } from 'mongodb';

type Document = BSON.Document;

const DECODE = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

export interface RawReply {
  opCode: number;
  requestId: number;
  responseTo: number;
  /** The flags of an OP_MSG, or the response flags of an OP_REPLY. */
  flags: number;
  doc: Document | null;
}

/** Speaks the wire protocol directly, so that tests see types and bytes as they are sent. */
export class RawClient {
  private received = Buffer.alloc(0);
  private readonly socket: Socket;
  closed = false;
  closedByServer = false;
  private wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    socket.on('end', () => (this.closedByServer = true));
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** @param flags of the message, for example whether several answers may follow */
  sendCommand(database: string, command: Document, flags = 0): void {
    const bytes = message({ ...command, $db: database }, {});
    bytes.writeInt32LE(flags, 16);
    this.send(bytes);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  async command(
    database: string,
    command: Document,
    sequences: Record<string, Document[]> = {},
  ): Promise<Document> {
    this.send(message({ ...command, $db: database }, sequences));
    const reply = await this.reply();
    if (!reply?.doc) throw new Error('The server closed the connection');
    return reply.doc;
  }

  /** The next reply; undefined once the server has closed the connection. */
  async reply(): Promise<RawReply | undefined> {
    for (;;) {
      const length = this.received.length >= 16 ? this.received.readInt32LE(0) : Infinity;
      if (this.received.length >= length) {
        const frame = this.received.subarray(0, length);
        this.received = this.received.subarray(length);
        return decode(frame);
      }
      if (this.closed) return undefined;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** Whether any unread data has arrived. */
  get hasReply(): boolean {
    return this.received.length > 0;
  }

  close(): void {
    this.socket.destroy();
  }
}

function message(body: Document, sequences: Record<string, Document[]>): Buffer {
  const sections = Object.entries(sequences).map(([name, docs]) => {
    const content = Buffer.concat([Buffer.from(`${name}\0`), ...docs.map((doc) => BSON.serialize(doc))]);
    const size = Buffer.alloc(5);
    size[0] = 1;
    size.writeInt32LE(content.length + 4, 1);
    return Buffer.concat([size, content]);
  });
  const content = Buffer.concat([Buffer.alloc(5), BSON.serialize(body), ...sections]);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + content.length, 0);
  header.writeInt32LE(1, 4);
  header.writeInt32LE(2013, 12);
  return Buffer.concat([header, content]);
}

function decode(frame: Buffer): RawReply {
  const opCode = frame.readInt32LE(12);
  const start = opCode === 1 ? 36 : 21;
  const doc = start < frame.length ? BSON.deserialize(frame.subarray(start), DECODE) : null;
  const [requestId, responseTo] = [frame.readInt32LE(4), frame.readInt32LE(8)];
  return { opCode, requestId, responseTo, flags: frame.readInt32LE(16), doc };
}
