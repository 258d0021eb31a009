import { randomUUID } from 'node:crypto';

const MAX_TIME = 2 ** 48 - 1;
const SEQUENCES = 4096;

/**
 * Makes UUIDs of version 7 (RFC 9562 §5.7): milliseconds, a sequence within the millisecond, random bits. The ids of one
 * process increase, so sorting by id sorts by time.
 */
export class EventIds {
  private lastMs = 0;
  private sequence = 0;

  next(nowMs: number): string {
    if (nowMs > this.lastMs) {
      this.lastMs = nowMs;
      this.sequence = 0;
    } else if (++this.sequence === SEQUENCES) {
      // Too many ids in one millisecond, or the clock was set back: use the next millisecond.
      this.lastMs += 1;
      this.sequence = 0;
    }
    // The part after the version is the same as in a random UUID.
    return head(this.lastMs, this.sequence) + randomUUID().slice(18);
  }
}

/** The smallest id at this moment: greater than the id of every earlier event. */
export function leastEventId(at: Date): string {
  const ms = Math.min(Math.max(at.getTime(), 0), MAX_TIME);
  return `${head(ms, 0)}-0000-000000000000`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A position in the log, opaque to clients. */
export function toCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The id of a cursor; null if the text is not a cursor. */
export function parseCursor(cursor: string): string | null {
  if (!/^[\w-]{22}$/.test(cursor)) return null;
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  // Accept only the canonical spelling.
  return UUID.test(id) && toCursor(id) === cursor ? id : null;
}

function head(ms: number, sequence: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}`;
}
