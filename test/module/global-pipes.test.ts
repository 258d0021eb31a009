import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ValidationPipe } from '@nestjs/common';
import { AuthModule } from '../../src/index.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { type Api, newSession, PASSWORD, uniqueEmail } from '../support/http.js';

const strict = new ValidationPipe({
  whitelist: true,
  forbidNonWhitelisted: true,
  transform: true,
  transformOptions: { enableImplicitConversion: true },
});

/** The answer to a client, without what differs from one user to another. */
async function answerOf(api: Api, path: string, body: unknown, token?: string): Promise<string> {
  const { status, text } = await api.post(path, body, { token });
  return `${status} ${text}`;
}

describe.each(ADAPTERS)(
  'a host whose global ValidationPipe checks and converts everything, on %s',
  (adapter) => {
    let plain: HostApp;
    let piped: HostApp;

    beforeAll(async () => {
      const metadata = () => ({ imports: [AuthModule.forRoot(authOptions())] });
      plain = await HostApp.startWith(adapter, metadata());
      piped = await HostApp.startWith(adapter, metadata(), undefined, (app) => app.useGlobalPipes(strict));
    });
    afterAll(async () => {
      await plain.stop();
      await piped.stop();
    });

    const email = uniqueEmail();
    it.each<[string, unknown]>([
      ['/auth/login', {}],
      ['/auth/login', { email: 5, password: true }],
      ['/auth/login', { email, password: PASSWORD, isAdmin: true }],
      ['/auth/login', { email: { $gt: '' }, password: PASSWORD }],
      ['/auth/login', { email, password: PASSWORD, transport: 'header' }],
      ['/auth/login', { email, password: PASSWORD, deviceName: 7 }],
      ['/auth/login', { email, password: PASSWORD }],
      ['/auth/login', [{ email, password: PASSWORD }]],
      ['/auth/register', { email: 'nobody', password: 'short', name: '' }],
      ['/auth/register', { email, password: 12345678 }],
      ['/auth/refresh', { refreshToken: 5 }],
      ['/auth/refresh', { refreshToken: 'no.such.token', other: 1 }],
      ['/auth/logout', { other: 1 }],
      ['/auth/logout', {}],
    ])('%s answers %j as without the pipe', async (path, body) => {
      expect(await answerOf(piped.api(), path, body)).toBe(await answerOf(plain.api(), path, body));
    });

    it('and so does a change of the password', async () => {
      const mine = await newSession(plain.api());
      const theirs = await newSession(piped.api());
      for (const body of [
        {},
        { currentPassword: 1, newPassword: 2 },
        { currentPassword: 'x', newPassword: 'y', z: 1 },
      ])
        expect(await answerOf(piped.api(), '/auth/change-password', body, theirs.accessToken)).toBe(
          await answerOf(plain.api(), '/auth/change-password', body, mine.accessToken),
        );
    });

    it('refuses a login if the password was a number in JSON', async () => {
      const password = '8306174952';
      const { email } = await newSession(piped.api(), { password });
      expect((await piped.api().login({ email, password: Number(password) })).json.code).toBe(
        'VALIDATION_FAILED',
      );
      expect((await piped.api().login({ email, password })).status).toBe(200);
    });
  },
);
