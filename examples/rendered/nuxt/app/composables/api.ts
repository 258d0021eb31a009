/**
 * `fetch` for the user: on the server with the token of the page, in the browser with one that is fetched when
 * needed.
 */
export function useApi(): typeof fetch {
  const { $auth } = useNuxtApp();
  const event = useRequestEvent();
  if (!event) return $auth.fetch;
  const { apiUrl } = useRuntimeConfig();
  const headers = { authorization: `Bearer ${event.context.accessToken}` };
  return (path, init) => fetch(`${apiUrl}${path}`, { ...init, headers });
}
