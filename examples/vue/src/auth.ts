import axios from 'axios';
import { createAuthClient } from 'nestjs-silent-auth-client';
import { attachToAxios } from 'nestjs-silent-auth-client/axios';
import { proofOfPossession } from 'nestjs-silent-auth-client/proof';

/**
 * One client for the page. Relative: the development server hands `/auth` on to the API. Sessions belong to a key of the browser:
 * a copied cookie is worth nothing.
 */
export const auth = createAuthClient({ baseUrl: '/auth', proof: proofOfPossession() });

/** The axios instance of the application, as it was before; this one line is all that it needs. */
export const http = axios.create();
attachToAxios(http, auth);
