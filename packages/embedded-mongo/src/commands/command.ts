import type { ServerState } from '../engine/server-state.js';
import type { Document } from '../engine/values.js';

/** The state of one connection. */
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
  /** Whether the client accepts several replies to this command. */
  readonly exhaustAllowed: boolean;
}

export interface Command {
  /** The name first, then its aliases, exactly as clients send them. */
  readonly names: readonly string[];
  /** The options this command reads, or may ignore because they change no result. All others are refused. */
  readonly options: readonly string[];
  /** A handshake must not fail because a newer driver adds a field. */
  readonly ignoresUnknownOptions?: boolean;
  /**
   * Whether a transaction number makes sense: a repeated command then gets the first reply again and is not run
   * twice.
   */
  readonly retryable?: boolean;
  run(context: CommandContext): Document | Promise<Document>;
}
