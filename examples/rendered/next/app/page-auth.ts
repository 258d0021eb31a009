import { headers } from 'next/headers';
import { readPageAuth } from 'nestjs-silent-auth-client/ssr';
import { secret } from './server';

/** Who opened the page that is being rendered. `unknown` if the router fetches it: then the browser knows. */
export const pageAuth = async () => readPageAuth(await headers(), { secret });
