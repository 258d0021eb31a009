import { afterEach, expect, it } from '@jest/globals';
import { databaseUri } from '../support/database.js';
import { Browser, PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';

let services: Service[] = [];
afterEach(() => Promise.all(services.map((service) => service.dispose())));

it("a developer's two services share a host and a cookie jar, and log nobody out", async () => {
  // The default keys, issuer and cookie name of a developer without configuration.
  const settings = { ISSUER: undefined, AUDIENCE: undefined, COOKIE_NAME: undefined };
  const keys = { JWT_ACCESS_KEYS: undefined, JWT_REFRESH_KEYS: undefined };
  const start = () => Service.start({ ...settings, ...keys, MONGODB_URI: databaseUri('developer') });
  services = [await start(), await start()];
  const jar = new Map<string, string>();
  // Cookies are not separated by port.
  const browsers = services.map(({ origin }) => Object.assign(new Browser(origin), { jar }));
  for (const browser of browsers)
    expect((await browser.register({ email: uniqueEmail(), password: PASSWORD })).status).toBe(201);
  const [shop, blog] = browsers as [Browser, Browser];
  for (const browser of [shop, blog, shop]) expect((await browser.post('/auth/refresh')).status).toBe(200);
  expect((await blog.post('/auth/logout')).status).toBe(204);
  expect((await blog.post('/auth/refresh')).json.code).toBe('REFRESH_TOKEN_MISSING');
  expect((await shop.post('/auth/refresh')).status).toBe(200);
  const names = services.map(({ port }) => `refresh_token_${port}`);
  // Each has its own device cookie, which a logout keeps.
  expect([...jar.keys()].sort()).toEqual(
    [names[0], `${names[0]}_hint`, `${names[0]}_device`, `${names[1]}_device`].sort(),
  );
});
