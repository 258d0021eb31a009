import type { ForeignDocuments, ForeignIndex } from '../../database/database-health.js';
import type { IndexDescription, IndexState } from '../../database/index-state.js';
import type { ResolvedAuthOptions } from '../../options/resolve-options.js';
import type { UserCensus } from '../../users/user-census.js';

/** What the checks look at. Null if it is unknown: then no check reports it. */
export interface DoctorFacts {
  readonly options: ResolvedAuthOptions;
  /** `NODE_ENV`. */
  readonly environment: string | null;
  readonly database: DatabaseFacts | DatabaseProblem | null;
  readonly host: HostFacts;
  readonly hashing: HashingFacts | null;
}

export interface DatabaseFacts {
  readonly kind: 'standalone' | 'replica set' | 'sharded cluster';
  /** Milliseconds by which this machine's clock is ahead of the database's; negative: behind. */
  readonly clockLeadMs: number;
  readonly indexes: readonly IndexFact[];
  readonly foreignIndexes: readonly ForeignIndex[];
  readonly foreignDocuments: readonly ForeignDocuments[];
  /** Of the oldest users; null where the host keeps its users elsewhere. */
  readonly users: Readonly<UserCensus> | null;
  /** Whether the application builds indexes that are missing when it starts: `autoIndex` of its connection. */
  readonly buildsIndexes: boolean;
}

/** An index that is needed, and its state. */
export interface IndexFact extends IndexState {
  readonly wanted: IndexDescription;
}

/** Why the {@link DatabaseFacts} are missing. */
export interface DatabaseProblem {
  readonly isUnreachable: boolean;
  /** Without addresses and credentials. */
  readonly reason: string;
}

/** The actual state of the application around the module. */
export interface HostFacts {
  /** Paths of `POST …/refresh`, with global prefix and version. */
  readonly refreshPaths: readonly string[];
  /** Whose `X-Forwarded-For` is believed. */
  readonly proxyTrust: 'all' | 'some' | 'none' | null;
  /** A request from a nearby machine had `X-Forwarded-For`, and the application ignored it. */
  readonly hasIgnoredProxy: boolean;
  readonly shadowedRoutes: readonly ShadowedRoute[];
}

/** A route of the library whose requests another route may get. */
export interface ShadowedRoute {
  readonly method: string;
  readonly path: string;
  /** Path of the other route. */
  readonly by: string;
}

export interface HashingFacts {
  /** The fastest hash so far, without the time in the queue. */
  readonly hashMs: number;
  readonly concurrency: number;
  /** Size of libuv's pool. */
  readonly threads: number;
}

export const UNKNOWN_HOST: HostFacts = {
  refreshPaths: [],
  proxyTrust: null,
  hasIgnoredProxy: false,
  shadowedRoutes: [],
};

export function isProduction({ environment }: Pick<DoctorFacts, 'environment'>): boolean {
  return environment === 'production';
}
