/** Sessions begun by the demo page carry this `appId`. */
export const DEMO_APP_ID = 'silent-auth-demo';

/** Short enough that a visitor sees two refreshes within a minute; every other session lives as configured. */
export const DEMO_ACCESS_TTL = '20s';

/** Under it, beside `/auth`, is all that exists for the demo; the page itself is at `/`. */
export const DEMO_PREFIX = 'demo';

export const REFRESH_PATH = '/auth/refresh';
