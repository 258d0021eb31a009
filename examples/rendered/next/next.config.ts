import { join } from 'node:path';
import type { NextConfig } from 'next';
import { api } from './app/server';

export default {
  // Page and API on one origin, as behind a reverse proxy. `next build` reads it: set API_URL before.
  rewrites: async () => [
    { source: '/auth/:path*', destination: `${api}/auth/:path*` },
    { source: '/orders', destination: `${api}/orders` },
  ],
  // Of this workspace; an application of its own needs no such line.
  turbopack: { root: join(import.meta.dirname, '../..') },
} satisfies NextConfig;
