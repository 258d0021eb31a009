export const MAX_MESSAGE_BYTES = 48_000_000;
export const HEADER_BYTES = 16;
export const OP_QUERY = 2004;
export const OP_MSG = 2013;

/** The byte stream is not valid: no answer is possible, and the connection closes. */
export class BrokenStream extends Error {
  override readonly name = 'BrokenStream';
}

/** Cuts the bytes of a connection into messages. */
export class FrameReader {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private wanted = HEADER_BYTES;

  *push(chunk: Buffer): Generator<Buffer> {
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    while (this.pendingBytes >= this.wanted) {
      const [first] = this.pending;
      const bytes = first && this.pending.length === 1 ? first : Buffer.concat(this.pending);
      const length = frameLength(bytes);
      if (bytes.length < length) {
        this.keep(bytes, length);
        return;
      }
      this.keep(bytes.subarray(length), HEADER_BYTES);
      yield bytes.subarray(0, length);
    }
  }

  private keep(bytes: Buffer, wanted: number): void {
    this.pending = bytes.length > 0 ? [bytes] : [];
    this.pendingBytes = bytes.length;
    this.wanted = wanted;
  }
}

/** Checked in the header, before the bytes of an absurd length are collected. */
function frameLength(bytes: Buffer): number {
  const length = bytes.readInt32LE(0);
  const opCode = bytes.readInt32LE(12);
  if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES)
    throw new BrokenStream(`Message of ${length} bytes`);
  if (opCode !== OP_MSG && opCode !== OP_QUERY) throw new BrokenStream(`Opcode ${opCode}`);
  return length;
}
