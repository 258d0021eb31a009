import { type NextRequest, NextResponse } from 'next/server';
import { forwardPageAuth } from 'nestjs-silent-auth-client/ssr';
import { api, secret } from './app/server';

/** A component cannot set a cookie, so the session is refreshed here, once for each page that a browser opens. */
export const proxy = (request: NextRequest) =>
  forwardPageAuth(request, { baseUrl: `${api}/auth`, secret }, (headers) =>
    NextResponse.next({ request: { headers } }),
  );

/** Pages only: no API routes and no files. */
export const config = { matcher: '/((?!auth/|orders$|_next/|.*\\.).*)' };
