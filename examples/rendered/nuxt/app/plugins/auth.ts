import { type AuthState, createAuthClient } from 'nestjs-silent-auth-client';
import { authenticatePage } from 'nestjs-silent-auth-client/ssr';
import { authPlugin } from 'nestjs-silent-auth-client/vue';

export default defineNuxtPlugin(async ({ vueApp }) => {
  // Sent to the browser in the payload of the page. The access token is not.
  const state = useState<AuthState>('auth');
  const event = useRequestEvent();
  if (import.meta.server && event) {
    const { req, res } = event.node;
    const page = await authenticatePage(req, res, { baseUrl: `${useRuntimeConfig().apiUrl}/auth` });
    state.value = page.state;
    event.context.accessToken = page.accessToken;
  }
  // One client for each page in the browser; on the server, one for each request.
  const auth = createAuthClient({ baseUrl: '/auth' });
  vueApp.use(authPlugin(auth, state.value));
  return { provide: { auth } };
});
