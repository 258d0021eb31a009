import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { OrdersModule } from '../../examples/verify-only/src/orders.module.js';
import { UsersService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  Api,
  expectError,
  expectGuardRefusal,
  newSession,
  PASSWORD,
  uniqueEmail,
} from '../support/http.js';

const ISSUER = 'https://issuer.example.com';
const REFRESH_SECRET = 'Wq8ZrT5vNc2XkP7mLd4HsJ9fGa3Eu6YbQx1oRi0t';

let signing: HostApp | undefined;
let verifying: INestApplication | undefined;
afterEach(async () => {
  await verifying?.close();
  await signing?.stop();
  signing = verifying = undefined;
});

describe.each(ADAPTERS)('the example of a service that only verifies, on %s', (adapter) => {
  it('serves the users of the service that signs', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = { access: [privateKey.export({ format: 'jwk' })], refresh: [REFRESH_SECRET] };
    signing = await HostApp.start(adapter, { issuer: ISSUER, keys });
    const jwksUri = `${signing.origin}/.well-known/jwks.json`;
    const module = await Test.createTestingModule({
      imports: [OrdersModule.forRoot(ISSUER, jwksUri)],
    }).compile();
    verifying =
      adapter === 'fastify'
        ? module.createNestApplication(new FastifyAdapter())
        : module.createNestApplication();
    verifying.useLogger(false);
    await verifying.listen(0, '127.0.0.1');
    const api = new Api(await verifying.getUrl());

    const { accessToken: token, userId } = await newSession(signing.api());
    expect((await api.send('GET', '/orders', { token })).json).toEqual({ ordersOf: userId });
    expectGuardRefusal(await api.send('GET', '/orders'), 'ACCESS_TOKEN_MISSING');
    expectError(await api.send('POST', '/orders/approve', { token }), 403, 'FORBIDDEN');
    const email = uniqueEmail('admin');
    await signing.app.get(UsersService).register({ email, password: PASSWORD, roles: ['admin'] });
    const admin = await anotherSession(signing.api(), email);
    const approval = await api.send('POST', '/orders/approve', { token: admin.accessToken });
    expect(approval.json).toEqual({ approved: true });
  });
});
