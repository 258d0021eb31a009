import type { BSON } from 'mongodb';

import type { ChangeLog } from '../change-log.js';
import type { Cursors } from '../cursors.js';
import type { Store } from '../store.js';
import type { Topology } from '../topology.js';
import type { Document } from '../values.js';

/** What all connections of one server share. */
export interface ServerState {
  readonly store: Store;
  readonly cursors: Cursors;
  readonly changeLog: ChangeLog;
  readonly topology: Topology;
  readonly port: number;
}

/** What belongs to one connection. */
export interface ConnectionState {
  readonly id: number;
  readonly remoteAddress: string;
  metadataSent: boolean;
  /** Aborts when the client has gone, or this server: nobody listens any more. */
  readonly closed: AbortSignal;
}

export interface CommandContext {
  readonly server: ServerState;
  readonly connection: ConnectionState;
  readonly database: string;
  readonly command: Document;
  readonly now: Date;
  /** The client takes more answers than one to this command. */
  readonly exhaustAllowed: boolean;
}

export interface Command {
  /** The name first, then its aliases, exactly as they may be written. */
  readonly names: readonly string[];
  /** Options this command reads, or may leave unread because they change no result. */
  readonly options: readonly string[];
  /** Options of MongoDB that this server does not have; refused unless they say what holds anyway. */
  readonly refused?: readonly string[];
  /** A handshake must not fail over what newer drivers say of themselves. */
  readonly ignoresUnknownOptions?: boolean;
  readonly adminOnly?: boolean;
  /** Whether a transaction number makes sense: the write is then done once, however often it is sent. */
  readonly retryable?: boolean;
  run(context: CommandContext): Document | Promise<Document>;
}

/** A cursor as replies carry it. */
export interface CursorReply {
  id: BSON.Long;
  ns: string;
  firstBatch?: Document[];
  nextBatch?: Document[];
}
