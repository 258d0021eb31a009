import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PwnedPasswordsBreachChecker } from '../../src/index.js';

const LEAKED = 'correct horse battery staple';
const hashOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();

/** Implements the range search of Pwned Passwords. */
let server: Server;
let baseUrl: string;
let seen: { url: string; headers: IncomingHttpHeaders }[];
let answer: RequestListener;

/** The suffixes of one range, in the service's format. */
const range =
  (...lines: string[]): RequestListener =>
  (_request, response) =>
    response.end(lines.join('\r\n'));
const suffixOf = (password: string) => hashOf(password).slice(5);
const never = () => new AbortController().signal;

beforeEach(async () => {
  seen = [];
  answer = range(`${'0'.repeat(35)}:3`, `${suffixOf(LEAKED)}:384`, `${'F'.repeat(35)}:1`);
  server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

describe(PwnedPasswordsBreachChecker.name, () => {
  it('distinguishes a leaked password from others', async () => {
    const checker = new PwnedPasswordsBreachChecker({ baseUrl });
    expect(await checker.isBreached(LEAKED, never())).toBe(true);
    expect(await checker.isBreached('another horse altogether', never())).toBe(false);
  });

  it('sends five digits of the hash, asks for padding, and reveals nothing else about the password', async () => {
    await new PwnedPasswordsBreachChecker({ baseUrl: `${baseUrl}/` }).isBreached(LEAKED, never());
    expect(seen.map(({ url }) => url)).toEqual([`/range/${hashOf(LEAKED).slice(0, 5)}`]);
    expect(seen[0]?.headers['add-padding']).toBe('true');
    const sent = JSON.stringify(seen).toUpperCase();
    expect(sent).not.toContain(suffixOf(LEAKED).slice(0, 6));
    expect(sent).not.toContain('HORSE');
  });

  it('a padding line, with count 0, is not a breach', async () => {
    answer = range(`${suffixOf(LEAKED)}:0`);
    expect(await new PwnedPasswordsBreachChecker({ baseUrl }).isBreached(LEAKED, never())).toBe(false);
  });

  it('an invalid answer is an error, not a clean password', async () => {
    answer = (_request, response) => response.writeHead(503).end('busy');
    await expect(new PwnedPasswordsBreachChecker({ baseUrl }).isBreached(LEAKED, never())).rejects.toThrow(
      'Pwned Passwords answered 503',
    );
  });

  it('aborts with the signal, and closes the connection', async () => {
    const hungUp = new Promise<void>((resolve) => {
      answer = (request) => void request.once('close', resolve);
    });
    const asked = once(server, 'request');
    const waiting = new AbortController();
    const check = new PwnedPasswordsBreachChecker({ baseUrl }).isBreached(LEAKED, waiting.signal);
    await asked;
    waiting.abort();
    await expect(check).rejects.toThrow(/aborted/);
    await hungUp;
  });

  it('uses the given fetch, for example one that goes through a proxy', async () => {
    const through: string[] = [];
    const checker = new PwnedPasswordsBreachChecker({
      baseUrl: 'http://pwned.example.com',
      fetch: (input, init) => {
        const { href, pathname } = new URL(input);
        through.push(href);
        return fetch(new URL(pathname, baseUrl), init);
      },
    });
    expect(await checker.isBreached(LEAKED, never())).toBe(true);
    expect(through).toEqual([`http://pwned.example.com/range/${hashOf(LEAKED).slice(0, 5)}`]);
  });
});
