import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AuthModule } from '../../src/index.js';
import { authOptions, HostApp } from '../support/host-app.js';
import { newSession } from '../support/http.js';

describe('X-Forwarded-For, on a host that trusts all of it', () => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.startWith(
      'express',
      { imports: [AuthModule.forRoot(authOptions({ throttle: {} }))] },
      undefined,
      (app) => (app as NestExpressApplication).set('trust proxy', true),
    );
  });
  afterAll(() => host.stop());

  async function ipOfSession(forwarded: string): Promise<string> {
    const { accessToken } = await newSession(host.api({ 'x-forwarded-for': forwarded }));
    return (await host.api().sessions(accessToken)).json[0].ip;
  }

  it('an address is stored with the session', async () => {
    expect(await ipOfSession('203.0.113.9, 10.0.0.1')).toBe('203.0.113.9');
  });

  it.each(['x'.repeat(12_000), `fe80::1%${'x'.repeat(12_000)}`, '<script>', 'unknown'])(
    'anything else is ignored, and the address of the peer is used',
    async (forwarded) => {
      expect(await ipOfSession(forwarded)).toBe('127.0.0.1');
    },
  );
});
