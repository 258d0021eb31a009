import axios from 'axios';
import { createAuthClient } from 'nestjs-silent-auth-client';
import { attachToAxios } from 'nestjs-silent-auth-client/axios';
import { proofOfPossession } from 'nestjs-silent-auth-client/proof';

/**
 * One client for the page. The URL is relative: the development server forwards `/auth` to the API. Sessions are
 * bound to a key of the browser, so a copied cookie is useless.
 */
export const auth = createAuthClient({ baseUrl: '/auth', proof: proofOfPossession() });

/** The existing axios instance of an application; the line below is all that it needs. */
export const http = axios.create();
attachToAxios(http, auth);
