/** Numbers that several files share. A number with one user stays in its file. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Bytes of a request body: no route needs more. */
export const MAX_BODY_BYTES = 16_384;
/** Characters of a JWT: a longer one is refused before it is parsed. */
export const MAX_TOKEN_LENGTH = 8192;
/** A watch without a sign of life for this long is lost, even if its connection looks open. */
export const MAX_SILENCE_MS = 5_000;
/** MongoDB's error code when a unique index refuses a write. */
export const DUPLICATE_KEY = 11_000;

/** Characters of the reason for which an administrator acts for a user. */
export const MAX_REASON = 500;
