import type { Command } from './command-log.js';
import type { HostConfig, HostKeys } from './host-app.js';

/** What the process of the hosts has used since it started. */
export interface Usage {
  /** The processor time of all its threads, in milliseconds. */
  readonly cpuMs: number;
}

/** The calls from the bench to the process of the hosts. A host is identified by its index. */
export interface HostCalls {
  /** @returns their origins */
  readonly start: (uri: string, keys: HostKeys, configs: readonly HostConfig[]) => Promise<string[]>;
  readonly usage: () => Promise<Usage>;
  readonly beginCommands: (host: number) => Promise<void>;
  readonly takeCommands: (host: number) => Promise<Command[]>;
  readonly sessionBytes: (host: number, sessionId: string) => Promise<number>;
  /** Creates `count` copies of a session and its user; see `crowd.ts` for the ids. */
  readonly fill: (host: number, sessionId: string, count: number) => Promise<void>;
  readonly fillAuditLog: (host: number, rows: number) => Promise<void>;
  readonly makeAdministrator: (host: number, userId: string) => Promise<void>;
  /** Drops the databases and ends the hosts. */
  readonly stop: () => Promise<void>;
}

export interface Question {
  readonly id: number;
  readonly call: keyof HostCalls;
  readonly args: readonly unknown[];
}

export type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });
