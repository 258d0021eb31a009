import axios from 'axios';
import { createAuthClient } from 'nestjs-silent-auth-client';
import { attachToAxios } from 'nestjs-silent-auth-client/axios';

/** One client for the page. Relative: the development server hands `/auth` on to the API. */
export const auth = createAuthClient({ baseUrl: '/auth' });

/** The axios instance of the application, as it was before; this one line is all that it needs. */
export const http = axios.create();
attachToAxios(http, auth);
