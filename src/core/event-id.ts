const RANDOM_BYTES = 8;
/** Drawn at once: asking for randomness costs more than getting it. */
const POOL_BYTES = RANDOM_BYTES * 128;
const MAX_TIME = 2 ** 48 - 1;
const SEQUENCES = 4096;

/**
 * Makes UUIDs of version 7 (RFC 9562 §5.7): milliseconds first, then a sequence within the millisecond, then 62 random
 * bits. The ids of one maker are in the order in which they were made, so an id alone tells before from after.
 */
export class EventIds {
  private lastMs = 0;
  private sequence = 0;
  private pool: Uint8Array = new Uint8Array(0);
  private used = 0;

  /** @param random gives so many random bytes */
  constructor(private readonly random: (bytes: number) => Uint8Array) {}

  next(nowMs: number): string {
    if (nowMs > this.lastMs) {
      this.lastMs = nowMs;
      this.sequence = 0;
    } else if (++this.sequence === SEQUENCES) {
      // More in a millisecond than can be told apart, or a clock that was set back: the next one is borrowed.
      this.lastMs += 1;
      this.sequence = 0;
    }
    const bytes = head(this.lastMs, this.sequence);
    bytes.set(this.draw(), 8);
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return toText(bytes);
  }

  private draw(): Uint8Array {
    if (this.used === this.pool.length) {
      this.pool = this.random(POOL_BYTES);
      this.used = 0;
    }
    this.used += RANDOM_BYTES;
    return this.pool.subarray(this.used - RANDOM_BYTES, this.used);
  }
}

/** The least id of a moment: what is not less was made then or later. */
export function leastEventId(at: Date): string {
  return toText(head(Math.min(Math.max(at.getTime(), 0), MAX_TIME), 0));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A position in the log as clients see it; they need not know what it is made of. */
export function toCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The id that {@link toCursor} was given; null where the text is no cursor. */
export function parseCursor(cursor: string): string | null {
  if (!/^[\w-]{22}$/.test(cursor)) return null;
  const id = toText(Buffer.from(cursor, 'base64url'));
  // One position, one spelling.
  return UUID.test(id) && toCursor(id) === cursor ? id : null;
}

function head(ms: number, sequence: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  return bytes;
}

function toText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
