import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { hostProvided } from '../database/host-provided.js';
import { ACTION_TOKEN_MODEL, type ActionTokenRow, ActionTokenSchema } from './action-token.schema.js';
import { ACTION_TOKEN_STORE } from './action-token.store.js';
import { ActionTokens } from './action-tokens.js';
import { BcryptPasswordHasher } from './bcrypt-password-hasher.js';
import { BreachCheck } from './breach-check.js';
import { MongoActionTokenStore } from './mongo-action-token.store.js';
import { MongoUserStore } from './mongo-user.store.js';
import { USER_MODEL, User, UserSchema } from './user.schema.js';
import { defaultHashConcurrency, QueuedPasswordHasher } from './queued-password-hasher.js';
import { PASSWORD_HASHER, USER_STORE, UsersService } from './users.service.js';

/** Registration and hashed credentials. Comes with `AuthModule`, which re-exports it. */
@Module({})
export class UsersModule {
  static register(options: DynamicModule, database: DynamicModule, connectionName?: string): DynamicModule {
    return {
      module: UsersModule,
      imports: [
        options,
        database,
        MongooseModule.forFeature(
          [
            { name: USER_MODEL, schema: UserSchema },
            { name: ACTION_TOKEN_MODEL, schema: ActionTokenSchema },
          ],
          connectionName,
        ),
      ],
      providers: [
        {
          provide: USER_STORE,
          useFactory: ({ userStore }: ResolvedAuthOptions, model: Model<User>) =>
            userStore ? hostProvided(userStore) : new MongoUserStore(model),
          inject: [AUTH_OPTIONS, getModelToken(USER_MODEL, connectionName)],
        },
        {
          provide: QueuedPasswordHasher,
          useFactory: ({ password }: ResolvedAuthOptions) => {
            const hasher = password.hasher ?? new BcryptPasswordHasher(password.bcryptCost);
            return new QueuedPasswordHasher(
              hasher,
              password.hashConcurrency ?? defaultHashConcurrency(),
              password.hashQueueLimit,
            );
          },
          inject: [AUTH_OPTIONS],
        },
        { provide: PASSWORD_HASHER, useExisting: QueuedPasswordHasher },
        {
          provide: ACTION_TOKEN_STORE,
          useFactory: (model: Model<ActionTokenRow>, { mailer }: ResolvedAuthOptions) =>
            new MongoActionTokenStore(model, mailer !== null),
          inject: [getModelToken(ACTION_TOKEN_MODEL, connectionName), AUTH_OPTIONS],
        },
        ActionTokens,
        BreachCheck,
        UsersService,
      ],
      exports: [UsersService, ActionTokens, QueuedPasswordHasher, USER_STORE],
    };
  }
}
