import { createAuthClient } from 'nestjs-silent-auth-client';

/** One client for the page. Relative: the development server hands `/auth` on to the API. */
export const auth = createAuthClient({ baseUrl: '/auth' });
