import type { ServerState } from '../engine/server-state.js';
import type { Document } from '../engine/values.js';

/** What belongs to one connection. */
export interface ConnectionState {
  readonly id: number;
  metadataSent: boolean;
  /** Aborts when the connection closes. */
  readonly closed: AbortSignal;
}

export interface CommandContext {
  readonly server: ServerState;
  readonly connection: ConnectionState;
  readonly database: string;
  readonly command: Document;
  readonly now: Date;
  /** The client accepts several replies to this command. */
  readonly exhaustAllowed: boolean;
}

export interface Command {
  /** The name first, then its aliases, exactly as they may be written. */
  readonly names: readonly string[];
  /** The options this command reads, or may ignore because they change no result. All others are refused. */
  readonly options: readonly string[];
  /** A handshake must not fail over what newer drivers add to it. */
  readonly ignoresUnknownOptions?: boolean;
  /** Whether a transaction number makes sense: a repeated command is then answered again instead of run again. */
  readonly retryable?: boolean;
  run(context: CommandContext): Document | Promise<Document>;
}
