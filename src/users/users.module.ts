import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { USER_STORE } from '../core/ports.js';
import { hostProvided } from '../database/host-provided.js';
import { IndexRegistry } from '../database/index-registry.js';
import { type LibraryModel, provideModel } from '../database/library-model.js';
import type { LibraryModules } from '../database/library-modules.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { ACTION_TOKEN_MODEL, type ActionTokenRow, ActionTokenSchema } from './action-token.schema.js';
import { ACTION_TOKEN_STORE } from './action-token.store.js';
import { ActionTokens } from './action-tokens.js';
import { BcryptPasswordHasher } from './bcrypt-password-hasher.js';
import { BreachCheck } from './breach-check.js';
import { MongoActionTokenStore } from './mongo-action-token.store.js';
import { MongoUserStore } from './mongo-user.store.js';
import { defaultHashConcurrency, QueuedPasswordHasher } from './queued-password-hasher.js';
import { User, USER_MODEL, UserSchema } from './user.schema.js';
import { PASSWORD_HASHER, UsersService } from './users.service.js';
import { VerifyingPasswordHasher } from './verifying-password-hasher.js';

const USERS: LibraryModel = { name: USER_MODEL, schema: UserSchema, collection: 'users' };
const ACTION_TOKENS: LibraryModel = {
  name: ACTION_TOKEN_MODEL,
  schema: ActionTokenSchema,
  collection: 'actionTokens',
};

/** Registration and credentials. Part of `AuthModule`, which re-exports it. */
@Module({})
export class UsersModule {
  static register({
    options,
    database,
    connectionName,
  }: Pick<LibraryModules, 'options' | 'database' | 'connectionName'>): DynamicModule {
    return {
      module: UsersModule,
      imports: [options, database],
      providers: [
        provideModel(USERS, connectionName),
        provideModel(ACTION_TOKENS, connectionName),
        {
          provide: USER_STORE,
          useFactory: (
            { userStore, users }: ResolvedAuthOptions,
            model: Model<User>,
            indexes: IndexRegistry,
          ) => (userStore ? hostProvided(userStore) : new MongoUserStore(model, indexes, users.fields)),
          inject: [AUTH_OPTIONS, getModelToken(USER_MODEL, connectionName), IndexRegistry],
        },
        {
          provide: QueuedPasswordHasher,
          useFactory: ({ password, throttle }: ResolvedAuthOptions) => {
            const hasher = password.hasher ?? new BcryptPasswordHasher(password.bcryptCost);
            return new QueuedPasswordHasher(
              password.verifiers.length > 0
                ? new VerifyingPasswordHasher(hasher, password.verifiers)
                : hasher,
              password.hashConcurrency ?? defaultHashConcurrency(),
              password.hashQueueLimit,
              throttle !== null,
            );
          },
          inject: [AUTH_OPTIONS],
        },
        { provide: PASSWORD_HASHER, useExisting: QueuedPasswordHasher },
        {
          provide: ACTION_TOKEN_STORE,
          useFactory: (
            model: Model<ActionTokenRow>,
            indexes: IndexRegistry,
            { mailer }: ResolvedAuthOptions,
          ) => new MongoActionTokenStore(model, indexes, mailer !== null),
          inject: [getModelToken(ACTION_TOKEN_MODEL, connectionName), IndexRegistry, AUTH_OPTIONS],
        },
        ActionTokens,
        BreachCheck,
        UsersService,
      ],
      exports: [UsersService, ActionTokens, QueuedPasswordHasher, USER_STORE],
    };
  }
}
