import type { ForeignDocuments, ForeignIndex } from '../../database/database-health.js';
import type { IndexDescription, IndexState } from '../../database/index-state.js';
import type { ResolvedAuthOptions } from '../../options/resolve-options.js';
import type { UserCensus } from '../../users/user-census.js';

/** The input of the checks. A fact is null if it is unknown; then no check reports it. */
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
  /** Milliseconds by which this machine's clock is ahead of the database's; negative if it is behind. */
  readonly clockLeadMs: number;
  readonly indexes: readonly IndexFact[];
  readonly foreignIndexes: readonly ForeignIndex[];
  readonly foreignDocuments: readonly ForeignDocuments[];
  /** Counts over the oldest users; null if the host stores its users elsewhere. */
  readonly users: Readonly<UserCensus> | null;
  /** Whether the application builds missing indexes when it starts: `autoIndex` of its connection. */
  readonly buildsIndexes: boolean;
}

/** A required index, and its state. */
export interface IndexFact extends IndexState {
  readonly wanted: IndexDescription;
}

/** Why there are no {@link DatabaseFacts}. */
export interface DatabaseProblem {
  readonly isUnreachable: boolean;
  /** Contains no addresses or credentials. */
  readonly reason: string;
}

/** Facts about the application around the module. */
export interface HostFacts {
  /** Paths of `POST …/refresh`, with global prefix and version. */
  readonly refreshPaths: readonly string[];
  /** Which senders' `X-Forwarded-For` the application trusts. */
  readonly proxyTrust: 'all' | 'some' | 'none' | null;
  /** True if a request from a nearby machine had `X-Forwarded-For`, and the application ignored it. */
  readonly hasIgnoredProxy: boolean;
  readonly shadowedRoutes: readonly ShadowedRoute[];
}

/** A route of the library that another route hides. */
export interface ShadowedRoute {
  readonly method: string;
  readonly path: string;
  /** Path of the other route. */
  readonly by: string;
}

export interface HashingFacts {
  /** Time of the fastest hash so far, without the time in the queue. */
  readonly hashMs: number;
  readonly concurrency: number;
  /** Size of libuv's thread pool. */
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
