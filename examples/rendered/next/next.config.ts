import { join } from 'node:path';
import type { NextConfig } from 'next';
import { api } from './app/server';

export default {
  // Page and API on one origin, as behind a reverse proxy. `next build` reads API_URL, so set it before the build.
  rewrites: async () => [
    { source: '/auth/:path*', destination: `${api}/auth/:path*` },
    { source: '/orders', destination: `${api}/orders` },
  ],
  // Needed for this workspace only; your application needs no such line.
  turbopack: { root: join(import.meta.dirname, '../..') },
} satisfies NextConfig;
