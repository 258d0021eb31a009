const api = process.env.API_URL ?? 'http://localhost:3000';

/**
 * Page and API on one origin, as behind a reverse proxy: no CORS, and the cookie stays `SameSite=Strict`. `Host`
 * stays as the browser sent it, because the API compares it with `Origin`.
 */
export const proxy = { '/auth': { target: api }, '/orders': { target: api } };
