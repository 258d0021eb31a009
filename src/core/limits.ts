/** Numbers that several files share. A number that only one file needs stays there. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Maximum size of a request body in bytes: no route needs more. */
export const MAX_BODY_BYTES = 16_384;
/** Maximum length of a JWT in characters; a longer one is refused before it is parsed. */
export const MAX_TOKEN_LENGTH = 8192;
/** A watch without a sign of life for this long is lost, even if its connection looks open. */
export const MAX_SILENCE_MS = 5_000;
/** A server removes expired documents about once a minute, a busy one later. After this time the removal is late. */
export const MAX_OVERDUE_MS = 10 * MINUTE_MS;
/** MongoDB's error code for a write that a unique index refuses. */
export const DUPLICATE_KEY = 11_000;

/** Maximum length of the reason that administrators give for acting as a user, in characters. */
export const MAX_REASON = 500;
