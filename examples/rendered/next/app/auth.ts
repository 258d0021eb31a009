import { createAuthClient } from 'nestjs-silent-auth-client';

/** One client for the page in the browser. On the server it never has a user. */
export const auth = createAuthClient({ baseUrl: '/auth' });
