// @bymax-one/nest-auth on Express: sessions in Redis, users in MongoDB, tokens in bodies.
import 'reflect-metadata';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  BYMAX_AUTH_REDIS_CLIENT,
  BYMAX_AUTH_USER_REPOSITORY,
  BymaxAuthModule,
  JwtAuthGuard,
} from '@bymax-one/nest-auth';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';

const { MONGODB_URI, PORT, REDIS_URL } = process.env;

const client = await new MongoClient(MONGODB_URI).connect();
const users = client.db().collection('users');
await users.createIndex({ email: 1, tenantId: 1 }, { unique: true });

/** The part of the port that these routes use. */
const repository = {
  findById: ({ id, tenantId }) => users.findOne({ _id: id, tenantId }),
  findByEmail: ({ email, tenantId }) => users.findOne({ email, tenantId }),
  async create(data) {
    const id = randomUUID();
    const user = {
      ...data,
      _id: id,
      id,
      role: 'user',
      status: 'active',
      emailVerified: true,
      mfaEnabled: false,
    };
    await users.insertOne({ ...user, lastLoginAt: null, createdAt: new Date() });
    return user;
  },
  updateLastLogin: ({ id, tenantId }) =>
    users.updateOne({ _id: id, tenantId }, { $set: { lastLoginAt: new Date() } }),
};

/** A class with decorators, which JavaScript has no syntax for yet. */
function decorated(target, decorators, methods = {}) {
  for (const decorate of decorators) decorate(target);
  for (const [name, list] of Object.entries(methods))
    for (const decorate of list)
      decorate(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name));
  return target;
}

const OrdersController = decorated(
  class OrdersController {
    guarded() {
      return { ok: true };
    }

    open() {
      return { ok: true };
    }
  },
  [Controller('orders')],
  { guarded: [Get('guarded'), UseGuards(JwtAuthGuard)], open: [Get('open')] },
);

const auth = BymaxAuthModule.registerAsync({
  useFactory: () => ({
    jwt: { secret: randomBytes(48).toString('base64url') },
    tokenDelivery: 'bearer',
    // Sign-ins are preparation: this is the lowest cost that it accepts.
    password: { costFactor: 16_384 },
    rateLimit: { enabled: false },
    emailVerification: { required: false },
    roles: { hierarchy: { user: [] } },
  }),
  extraProviders: [
    { provide: BYMAX_AUTH_USER_REPOSITORY, useValue: repository },
    { provide: BYMAX_AUTH_REDIS_CLIENT, useValue: new Redis(REDIS_URL) },
  ],
});

const ServerModule = decorated(class ServerModule {}, [
  Module({ imports: [auth], controllers: [OrdersController] }),
]);

const app = await NestFactory.create(ServerModule, { logger: ['error'] });
await app.listen(Number(PORT), '127.0.0.1');
console.log('listening');
