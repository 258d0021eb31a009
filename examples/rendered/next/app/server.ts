/** The API's URL for this server. */
export const api = process.env['API_URL'] ?? 'http://localhost:3000';

/** Encrypts what `proxy.ts` passes to the components: at least 32 random characters. */
export const secret = process.env['PAGE_SECRET'] ?? '';
