import type { KeyObject } from 'node:crypto';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ACCESS_TOKEN_TYPE } from '../../core/access-token.js';
import { AuthError } from '../../core/errors.js';
import { withTimeout } from '../../core/with-timeout.js';
import { elapsedMs, type Moment, momentNow } from '../../database/process-clocks.js';
import {
  createRingKey,
  type KeyInput,
  KeyProblem,
  type RingKey,
  type SigningAlgorithm,
} from '../../options/keys/key-spec.js';
import { AUTH_OPTIONS } from '../../options/resolve-options.js';
import type { ResolvedVerifyOnlyOptions } from '../../options/verify-only.options.js';
import { type JoseHeader, parseJoseHeader } from './jose-header.js';
import type { TokenKind, VerifyingKeys } from './key-ring.js';

const ASYMMETRIC: SigningAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
];
/** For this time after a failed fetch, requests are refused at once. */
const FETCH_AGAIN_AFTER_MS = 1_000;
/** Enough for several hundred keys. */
const MAX_SET_BYTES = 1_000_000;

/**
 * The public access keys of another service, from its JWK set (RFC 7517 §5). They are fetched at boot, at intervals, and
 * when a token names an unknown key. If fetching fails, the known keys stay valid for `keySet.maxStaleness`.
 */
@Injectable()
export class RemoteKeySet implements VerifyingKeys, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('RemoteKeySet');
  private readonly listeners = new Set<() => void>();
  private readonly stopping = new AbortController();
  private keys: ReadonlyMap<string, RingKey> = new Map();
  /** Start of the last successful fetch. */
  private freshAt: Moment | null = null;
  /** Start of the last fetch. */
  private triedAt: Moment | null = null;
  /** Why the last fetch failed; null if it succeeded. */
  private failure: { readonly cause: unknown } | null = null;
  private fetching: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedVerifyOnlyOptions, 'jwksUri' | 'keySet'>,
  ) {}

  /** Does not wait: two services may start at the same time. */
  onApplicationBootstrap(): void {
    const { jwksUri } = this.options;
    if (!isOverTls(jwksUri))
      this.logger.warn(
        `the key set ${jwksUri} is fetched over plain HTTP: anyone on the network path can add their own key to it, so use ` +
          'HTTPS unless you trust that network',
      );
    void this.keepFresh();
  }

  onModuleDestroy(): void {
    clearTimeout(this.timer);
    this.stopping.abort();
  }

  verifyingKey(kind: TokenKind, token: string): KeyObject | null {
    const header = kind === 'access' ? accessTokenHeader(token) : null;
    if (!header || this.isStale) return null;
    const key = this.keys.get(header.kid);
    // The key decides the algorithm, never the token (RFC 8725 §3.1).
    return key?.alg === header.alg ? key.verifyingKey : null;
  }

  algorithms(): SigningAlgorithm[] {
    return ASYMMETRIC;
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  load(token: string): Promise<void> | undefined {
    const header = accessTokenHeader(token);
    if (!header) return undefined;
    const { maxAgeMs, cooldownMs } = this.options.keySet;
    const sinceTryMs = since(this.triedAt);
    const mayFetch = sinceTryMs >= (this.failure ? FETCH_AGAIN_AFTER_MS : cooldownMs);
    if (!this.isStale && this.keys.has(header.kid)) {
      // Timers do not run while a process is frozen.
      if (mayFetch && since(this.freshAt) > maxAgeMs) void this.fetch();
      return undefined;
    }
    if (this.fetching || mayFetch) return this.fetchForRequest();
    return this.failure ? Promise.reject(this.unavailable()) : undefined;
  }

  private get isStale(): boolean {
    return since(this.freshAt) > this.options.keySet.maxStalenessMs;
  }

  private async fetchForRequest(): Promise<void> {
    await this.fetch();
    if (this.failure) throw this.unavailable();
  }

  private unavailable(): AuthError {
    const detail = `the key set ${this.options.jwksUri} cannot be fetched`;
    return new AuthError('TEMPORARILY_UNAVAILABLE', { detail, cause: this.failure?.cause });
  }

  private async keepFresh(): Promise<void> {
    await this.fetch();
    if (this.stopping.signal.aborted) return;
    if (this.isStale) this.take(new Map());
    const { maxAgeMs, cooldownMs } = this.options.keySet;
    const waitMs = this.failure ? Math.min(cooldownMs, maxAgeMs) : maxAgeMs;
    this.timer = setTimeout(() => void this.keepFresh(), waitMs).unref();
  }

  /** Concurrent callers share one fetch. Never rejects. */
  private fetch(): Promise<void> {
    this.fetching ??= this.fetchNow().finally(() => {
      this.fetching = null;
    });
    return this.fetching;
  }

  private async fetchNow(): Promise<void> {
    const { jwksUri, keySet } = this.options;
    const start = momentNow();
    this.triedAt = start;
    try {
      const read = (signal: AbortSignal) => readKeySet(jwksUri, signal);
      const keys = verifyingKeys(await withTimeout(read, keySet.timeoutMs, this.stopping.signal));
      this.report(keys);
      this.failure = null;
      this.freshAt = start;
      this.take(keys);
    } catch (cause) {
      if (!this.failure && !this.stopping.signal.aborted)
        this.logger.warn(`the key set ${jwksUri} cannot be fetched: ${reasonOf(cause)}`);
      this.failure = { cause };
    }
  }

  private report(keys: ReadonlyMap<string, RingKey>): void {
    const { jwksUri } = this.options;
    if (keys.size === 0 && (this.freshAt === null || this.keys.size > 0))
      this.logger.warn(
        `the key set ${jwksUri} has no key that this service can use, so every access token is refused: ` +
          'the service that signs needs an EC or RSA key in keys.access, because an HMAC secret is never published',
      );
    else if (this.failure) this.logger.log(`the key set ${jwksUri} can be fetched again`);
  }

  private take(keys: ReadonlyMap<string, RingKey>): void {
    const isSame = ([kid, { verifyingKey }]: [string, RingKey]) =>
      keys.get(kid)?.verifyingKey.equals(verifyingKey) === true;
    const hasLost = ![...this.keys].every(isSame);
    this.keys = keys;
    if (hasLost) for (const listener of this.listeners) listener();
  }
}

/** True also for addresses of this machine, which need no TLS. */
function isOverTls(uri: string): boolean {
  const { protocol, hostname } = new URL(uri);
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}

/** Infinite if it has not happened yet. */
function since(moment: Moment | null): number {
  return moment ? elapsedMs(moment) : Number.POSITIVE_INFINITY;
}

/** Null if no key of a key set can have signed the token as an access token; then nothing is fetched. */
function accessTokenHeader(token: string): JoseHeader | null {
  const header = parseJoseHeader(token);
  if (header?.typ !== ACCESS_TOKEN_TYPE) return null;
  return ASYMMETRIC.some((alg) => alg === header.alg) ? header : null;
}

async function readKeySet(uri: string, signal: AbortSignal): Promise<readonly unknown[]> {
  const response = await fetch(uri, {
    signal,
    redirect: 'error',
    headers: { Accept: 'application/jwk-set+json, application/json' },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the answer has status ${response.status}`);
  }
  const set = JSON.parse(await textOf(response)) as { keys?: readonly unknown[] } | null;
  if (!Array.isArray(set?.keys)) throw new Error('the answer is not a JWK set: it has no list "keys"');
  return set.keys as readonly unknown[];
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_SET_BYTES) throw new Error(`the answer is longer than ${MAX_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The public keys by id. Secrets, private keys and unsupported types are skipped: the set may serve others too. */
function verifyingKeys(inputs: readonly unknown[]): ReadonlyMap<string, RingKey> {
  const keys = new Map<string, RingKey>();
  for (const input of inputs) {
    const key = isPublic(input) ? ringKey(input) : null;
    if (key && !keys.has(key.kid)) keys.set(key.kid, key);
  }
  return keys;
}

function isPublic(input: unknown): input is KeyInput {
  if (typeof input !== 'object' || input === null) return false;
  const { kty, d, k } = input as { kty?: unknown; d?: unknown; k?: unknown };
  return (kty === 'RSA' || kty === 'EC') && d === undefined && k === undefined;
}

function ringKey(input: KeyInput): RingKey | null {
  try {
    return createRingKey(input);
  } catch (error) {
    if (error instanceof KeyProblem) return null;
    throw error;
  }
}

/** The reason of a failed `fetch` is in the `cause` of its error. */
function reasonOf(error: unknown): string {
  const { cause } = Object(error) as { cause?: unknown };
  return cause instanceof Error && cause.message !== '' ? cause.message : String(error);
}
