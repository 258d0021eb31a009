import { BSON } from 'mongodb';
import { MongoServerFault, notImplemented } from './errors.js';
import { BrokenStream, HEADER_BYTES, OP_MSG, OP_QUERY } from './frame-reader.js';
import { type Document, setField } from './values.js';

export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const OP_REPLY = 1;

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
const EXHAUST_ALLOWED = 1 << 16;
/** A receiver must understand every flag in the lower half, and may ignore those in the upper half. */
const REQUIRED_FLAGS = 0xffff;

const DECODE = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

/** BSON's old undefined is sent as null instead of dropped. */
const ENCODE = { ignoreUndefined: false } as const;

export interface Request {
  requestId: number;
  /** An OP_QUERY, answered by an OP_REPLY: drivers send their first handshake this way. */
  legacy: boolean;
  /** The sender expects no answer. */
  moreToCome: boolean;
  /** The sender accepts several answers. */
  exhaustAllowed: boolean;
  /** The frame is valid; its content may still be a fault, which is answered. */
  body: { command: Document } | { fault: MongoServerFault };
}

export function decodeRequest(frame: Buffer): Request {
  const requestId = requestIdOf(frame);
  const legacy = frame.readInt32LE(12) === OP_QUERY;
  if (legacy) {
    const body = attempt(() => decodeQuery(frame));
    return { requestId, legacy, moreToCome: false, exhaustAllowed: false, body };
  }
  if (frame.length < HEADER_BYTES + 4) throw new BrokenStream('OP_MSG without flags');
  const flags = frame.readUInt32LE(HEADER_BYTES);
  if (flags & REQUIRED_FLAGS & ~MORE_TO_COME) {
    throw new BrokenStream(flags & CHECKSUM_PRESENT ? 'A checksum' : `OP_MSG flags ${flags}`);
  }
  const moreToCome = (flags & MORE_TO_COME) !== 0;
  // A sender that expects no answer does not accept a series of them.
  const exhaustAllowed = (flags & EXHAUST_ALLOWED) !== 0 && !moreToCome;
  return { requestId, legacy, moreToCome, exhaustAllowed, body: attempt(() => decodeSections(frame)) };
}

function attempt(decode: () => Document): Request['body'] {
  try {
    return { command: decode() };
  } catch (error) {
    if (error instanceof MongoServerFault) return { fault: error };
    throw error;
  }
}

function decodeDocument(bytes: Buffer, from: number, end: number): { doc: Document; next: number } {
  const size = from + 4 <= end ? bytes.readInt32LE(from) : 0;
  const next = from + size;
  if (size < 5 || next > end) {
    throw new MongoServerFault(22, "bson length doesn't match what we found");
  }
  const doc = parse(bytes.subarray(from, next));
  // A JavaScript object holds each field once: a repeated field shows in the size.
  if (BSON.calculateObjectSize(doc, ENCODE) !== size) {
    throw new MongoServerFault(40413, 'A field is a duplicate field, or of a type that cannot be kept');
  }
  return { doc, next };
}

function parse(bytes: Buffer): Document {
  try {
    return BSON.deserialize(bytes, DECODE);
  } catch (error) {
    throw new MongoServerFault(22, `Invalid BSON: ${(error as Error).message}`);
  }
}

function decodeSections(frame: Buffer): Document {
  let body: Document | undefined;
  const sequences = new Map<string, Document[]>();
  let position = HEADER_BYTES + 4;
  while (position < frame.length) {
    const kind = frame.readUInt8(position);
    position += 1;
    if (kind === 0) {
      if (body) throw new MongoServerFault(40430, 'Multiple body sections in message');
      const { doc, next } = decodeDocument(frame, position, frame.length);
      body = doc;
      position = next;
    } else if (kind === 1) {
      position = decodeSequence(frame, position, sequences);
    } else {
      throw new MongoServerFault(40432, `Unknown section kind ${kind}`);
    }
  }
  if (!body) throw new MongoServerFault(40587, 'OP_MSG messages must have a body');
  for (const [name, documents] of sequences) {
    if (Object.hasOwn(body, name)) {
      const message = `Duplicate field between body and document sequence ${name}`;
      throw new MongoServerFault(40433, message);
    }
    setField(body, name, documents);
  }
  return body;
}

/** Size, name and documents: they become an array of that name in the body. */
function decodeSequence(frame: Buffer, start: number, sequences: Map<string, Document[]>): number {
  const end = start + (start + 4 <= frame.length ? frame.readInt32LE(start) : 0);
  const nameEnd = frame.indexOf(0, start + 4);
  if (end > frame.length || end < start + 5 || nameEnd < 0 || nameEnd >= end) {
    throw new BrokenStream('A document sequence beyond its message');
  }
  const name = frame.toString('utf8', start + 4, nameEnd);
  if (sequences.has(name)) throw new MongoServerFault(40431, `Duplicate document sequence: ${name}`);
  const documents: Document[] = [];
  let position = nameEnd + 1;
  while (position < end) {
    const { doc, next } = decodeDocument(frame, position, end);
    documents.push(doc);
    position = next;
  }
  sequences.set(name, documents);
  return end;
}

/** Flags, a namespace, two numbers and a document. Only the first hello of a driver comes this way. */
function decodeQuery(frame: Buffer): Document {
  const nameEnd = frame.indexOf(0, HEADER_BYTES + 4);
  if (nameEnd < 0) throw new BrokenStream('OP_QUERY without a namespace');
  const namespace = frame.toString('utf8', HEADER_BYTES + 4, nameEnd);
  if (!namespace.endsWith('.$cmd')) throw notImplemented('A legacy query');
  const { doc } = decodeDocument(frame, nameEnd + 9, frame.length);
  const name = Object.keys(doc)[0]?.toLowerCase();
  if (name !== 'hello' && name !== 'ismaster') throw notImplemented('A legacy OP_QUERY command');
  return { ...doc, $db: namespace.slice(0, -'.$cmd'.length) };
}

let lastRequestId = 0;

function header(length: number, responseTo: number, opCode: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  lastRequestId = (lastRequestId + 1) | 0;
  bytes.writeInt32LE(length, 0);
  bytes.writeInt32LE(lastRequestId, 4);
  bytes.writeInt32LE(responseTo, 8);
  bytes.writeInt32LE(opCode, 12);
  return bytes;
}

export interface ReplyTarget {
  /** The id of the message this answers. In a series each answer refers to the previous one. */
  responseTo: number;
  legacy: boolean;
  /** Another answer follows without a request. */
  moreToCome: boolean;
}

export function encodeReply(target: ReplyTarget, reply: Document): Buffer {
  const doc = BSON.serialize(reply, ENCODE);
  if (target.legacy) {
    const bytes = header(36 + doc.length, target.responseTo, OP_REPLY);
    bytes.writeInt32LE(8, 16); // AwaitCapable, set by every server since 1.6
    bytes.writeBigInt64LE(0n, 20);
    bytes.writeInt32LE(0, 28);
    bytes.writeInt32LE(1, 32);
    bytes.set(doc, 36);
    return bytes;
  }
  const bytes = header(21 + doc.length, target.responseTo, OP_MSG);
  bytes.writeUInt32LE(target.moreToCome ? MORE_TO_COME : 0, 16);
  bytes[20] = 0;
  bytes.set(doc, 21);
  return bytes;
}

export function requestIdOf(message: Buffer): number {
  return message.readInt32LE(4);
}
