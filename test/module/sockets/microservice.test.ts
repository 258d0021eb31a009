import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestMicroservice, UseGuards } from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { MongooseModule } from '@nestjs/mongoose';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import {
  type AuthenticatedUser,
  AuthModule,
  type AuthOptions,
  CurrentUser,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
  Roles,
  RolesGuard,
} from '../../../src/index.js';
import { databaseUri } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { authOptions, HostApp } from '../../support/host-app.js';
import { newSession } from '../../support/http.js';
import { errorLines } from '../../support/socket-host.js';

@Controller()
class OrdersController {
  @MessagePattern('whoami')
  @UseGuards(JwtAuthGuard)
  whoami(@CurrentUser() user: AuthenticatedUser) {
    return user.id;
  }

  @MessagePattern('anybody')
  @UseGuards(OptionalJwtAuthGuard)
  anybody(@CurrentUser() user?: AuthenticatedUser) {
    return user?.id ?? 'nobody';
  }

  @MessagePattern('administer')
  @Roles('admin')
  @UseGuards(RolesGuard)
  administer() {
    return true;
  }
}

let host: HostApp;
let service: INestMicroservice;
let client: ClientProxy;
let errors: unknown[][];

async function start(over: Partial<AuthOptions> = {}, isHybrid = false): Promise<void> {
  const uri = databaseUri('rpc');
  const options = authOptions(over);
  const port = await freePort();
  const transport = { transport: Transport.TCP, options: { host: '127.0.0.1', port } } as const;
  if (isHybrid) {
    const imports = [AuthModule.forRoot(options)];
    host = await HostApp.startWith('express', { imports, controllers: [OrdersController] }, uri, (app) =>
      app.connectMicroservice(transport),
    );
    await host.app.startAllMicroservices();
  } else {
    host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
    const module = await Test.createTestingModule({
      imports: [MongooseModule.forRoot(uri), AuthModule.forRoot(options)],
      controllers: [OrdersController],
    }).compile();
    service = module.createNestMicroservice({ ...transport, logger: false });
    await service.listen();
  }
  errors = errorLines();
  client = ClientProxyFactory.create(transport);
}

const ask = (pattern: string, payload: object): Promise<unknown> =>
  firstValueFrom(client.send<unknown>(pattern, payload)).catch((error: unknown) => error);
const refusal = (code: string) => expect.objectContaining({ status: 'error', statusCode: 401, code });

afterEach(async () => {
  client.close();
  await service?.close();
  await host.stop();
});

describe.each([
  ['a microservice', false],
  ['a hybrid application', true],
])('TCP: %s', (_what, isHybrid) => {
  beforeEach(() => start({}, isHybrid));

  it('reads the token from the payload, and refuses with a typed error', async () => {
    const api = host.api();
    const { accessToken, userId } = await newSession(api);
    expect(await ask('whoami', { accessToken, order: 7 })).toBe(userId);
    expect(await ask('anybody', { accessToken })).toBe(userId);
    expect(await ask('anybody', {})).toBe('nobody');
    expect(await ask('whoami', {})).toEqual(refusal('ACCESS_TOKEN_MISSING'));
    expect(await ask('whoami', { accessToken: { $ne: '' } })).toEqual(refusal('ACCESS_TOKEN_MISSING'));
    expect(await ask('whoami', { accessToken: 'bad' })).toEqual(refusal('ACCESS_TOKEN_INVALID'));
    expect(await ask('administer', { accessToken })).toMatchObject({ status: 'error', code: 'FORBIDDEN' });
    await api.logout({ token: accessToken });
    const refused = await eventually(
      () => ask('whoami', { accessToken }),
      (answer) => answer !== userId,
    );
    expect(refused).toEqual(refusal('ACCESS_TOKEN_REVOKED'));
    expect(errors).toEqual([]);
  });
});

describe('accessTokenOf', () => {
  beforeEach(() =>
    start({
      accessTokenOf: (context) => (context.getArgs()[0] as { meta?: { jwt?: string } }).meta?.jwt,
    }),
  );

  it('says where the token of a message is', async () => {
    const { accessToken, userId } = await newSession(host.api());
    expect(await ask('whoami', { meta: { jwt: accessToken } })).toBe(userId);
    expect(await ask('whoami', { accessToken })).toBe(userId);
    expect(await ask('whoami', {})).toEqual(refusal('ACCESS_TOKEN_MISSING'));
  });
});
