/** Where this server reaches the API. */
export const api = process.env['API_URL'] ?? 'http://localhost:3000';

/** Encrypts what `proxy.ts` hands over to the components: at least 32 random characters. */
export const secret = process.env['PAGE_SECRET'] ?? '';
