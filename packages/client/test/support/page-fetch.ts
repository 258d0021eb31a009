/**
 * `fetch` as a page has it, on top of Node's: relative URLs resolve against the page, and cookies go to its origin
 * and come from it.
 *
 * @param server what answers for the origin of the page
 */
export function pageFetch(page: string, server: string): typeof fetch {
  const { fetch } = globalThis;
  const { origin } = new URL(page);
  const cookies = new Map<string, string>();
  return async (input, init) => {
    const request = typeof input === 'object' && 'url' in input ? input : null;
    const { href } = new URL(request?.url ?? (input as string), page);
    const isOwn = href.startsWith(`${origin}/`);
    const headers = new Headers(init?.headers ?? request?.headers);
    if (isOwn) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    const url = isOwn ? server + href.slice(origin.length) : href;
    const response = await fetch(request ? new Request(url, request) : url, { ...init, headers });
    for (const line of isOwn ? response.headers.getSetCookie() : []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
}
