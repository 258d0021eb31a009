import type { IndexDescription, IndexState } from '../index-state.js';
import type { ResolvedAuthOptions } from '../options/resolve-options.js';

/** What the checks look at. Null where it is not known: then nothing is said of it. */
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
  /** By how much this machine's clock is ahead of the database's; negative: behind. */
  readonly clockLeadMs: number;
  readonly indexes: readonly IndexFact[];
  /** Whether the application builds indexes that are missing when it starts: `autoIndex` of its connection. */
  readonly buildsIndexes: boolean;
}

/** An index that is needed, and what there is. */
export interface IndexFact extends IndexState {
  readonly wanted: IndexDescription;
}

/** Why there are no {@link DatabaseFacts}. */
export interface DatabaseProblem {
  readonly isUnreachable: boolean;
  /** Without addresses and credentials. */
  readonly reason: string;
}

/** Of the application around the module, as it is, not as it was meant. */
export interface HostFacts {
  /** Paths of `POST …/refresh` as they are served: with global prefix and version. */
  readonly refreshPaths: readonly string[];
  /** Whose `X-Forwarded-For` is believed. */
  readonly proxyTrust: 'all' | 'some' | 'none' | null;
  /** A request came through a machine nearby with `X-Forwarded-For`, and it was not believed. */
  readonly hasIgnoredProxy: boolean;
}

export interface HashingFacts {
  /** The fastest hash so far, without the time in the queue. */
  readonly hashMs: number;
  readonly concurrency: number;
  /** Of libuv's pool. */
  readonly threads: number;
}

export const UNKNOWN_HOST: HostFacts = { refreshPaths: [], proxyTrust: null, hasIgnoredProxy: false };

export function isProduction({ environment }: Pick<DoctorFacts, 'environment'>): boolean {
  return environment === 'production';
}
