import { crc32 } from 'node:zlib';
import { BSON } from 'mongodb';
import type { Document } from './values.js';

const HEADER_BYTES = 8;
const DECODE = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

/** One record: its length, the CRC-32 of what follows, and its entries as BSON, one after the other. */
export function recordBytes(entries: readonly Document[]): Buffer {
  const body = Buffer.concat(entries.map((entry) => BSON.serialize(entry, { ignoreUndefined: false })));
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.writeUInt32LE(crc32(body), 4);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/**
 * Skips an incomplete last record: the process died while writing it, so that it was never acknowledged.
 * @throws Error if the journal is damaged before its end
 */
export function* readRecords(bytes: Buffer, path: string): Generator<Document[]> {
  let position = 0;
  while (position + HEADER_BYTES <= bytes.length) {
    const start = position + HEADER_BYTES;
    const end = start + bytes.readUInt32LE(position);
    if (end > bytes.length) return;
    const body = bytes.subarray(start, end);
    if (crc32(body) !== bytes.readUInt32LE(position + 4)) {
      if (end === bytes.length) return;
      throw new Error(`The journal ${path} is damaged at byte ${position}; move it away to start empty`);
    }
    yield [...entriesOf(body)];
    position = end;
  }
}

function* entriesOf(body: Buffer): Generator<Document> {
  for (let from = 0; from < body.length;) {
    const end = from + body.readInt32LE(from);
    yield BSON.deserialize(body.subarray(from, end), DECODE);
    from = end;
  }
}
