import { createAuthClient } from 'nestjs-silent-auth-client';
import { proofOfPossession } from 'nestjs-silent-auth-client/proof';

/**
 * One client for the page. Relative: the development server hands `/auth` on to the API. Sessions belong to a key of the browser:
 * a copied cookie is worth nothing.
 */
export const auth = createAuthClient({ baseUrl: '/auth', proof: proofOfPossession() });
