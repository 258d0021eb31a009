/**
 * The API's URL for this server. `nuxt build` reads it for the routes below; the plugin reads NUXT_API_URL at run
 * time.
 */
const api = process.env.API_URL ?? 'http://localhost:3000';

export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  telemetry: false,
  devtools: { enabled: false },
  css: ['../../../style.css'],
  // Page and API on one origin, as behind a reverse proxy.
  routeRules: {
    '/auth/**': { proxy: `${api}/auth/**` },
    '/orders': { proxy: `${api}/orders` },
  },
  runtimeConfig: { apiUrl: api },
});
