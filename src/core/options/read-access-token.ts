import type { AccessTokenOptions } from './auth-options.js';
import type { OptionReader } from './option-reader.js';

export interface ResolvedAccessTokenOptions {
  readonly ttlMs: number;
  readonly retirePrevious: boolean;
  /** By `appId`, in milliseconds. */
  readonly ttlByAppMs: ReadonlyMap<string, number>;
}

/** Lives of access tokens, none longer than `ttl`: revocations are kept for that long, and an appId is the client's word. */
export function readAccessToken(
  read: OptionReader,
  { ttl, ttlByApp, retirePrevious }: AccessTokenOptions,
): ResolvedAccessTokenOptions {
  const ttlMs = read.duration('accessToken.ttl', ttl, '15m');
  const lives = livesOf(read, ttlByApp).map(([appId, life]) => {
    const key = `accessToken.ttlByApp.${appId}`;
    const lifeMs = read.duration(key, life, '1m');
    if (lifeMs > ttlMs) read.refuse(key, life, 'give at most accessToken.ttl');
    return [appId, lifeMs] as const;
  });
  return {
    ttlMs,
    retirePrevious: read.flag('accessToken.retirePrevious', retirePrevious, false),
    ttlByAppMs: new Map(lives),
  };
}

function livesOf(read: OptionReader, given: unknown): [string, unknown][] {
  if (given === undefined) return [];
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return Object.entries(given);
  read.refuse('accessToken.ttlByApp', given, "give an object of lives by appId, such as { kiosk: '2m' }");
  return [];
}
