import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import type { RevocationStore } from '../core/ports.js';
import { hostProvided } from '../database/host-provided.js';
import { IndexRegistry } from '../database/index-registry.js';
import { type LibraryModel, provideModel } from '../database/library-model.js';
import type { LibraryModules } from '../database/library-modules.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { MongoRevocationStore } from './mongo-revocation.store.js';
import { Revocation, REVOCATION_MODEL, RevocationSchema } from './revocation.schema.js';
import { REVOCATION_STORE, RevocationService } from './revocation.service.js';
import { SessionWatcher } from './session-watcher.js';

const NO_REVOCATIONS: RevocationStore = {
  add: () => Promise.resolve(),
  read: () => Promise.resolve({ entries: [], mark: { at: new Date(0) } }),
  hasAny: () => Promise.resolve(false),
};

const REVOCATIONS: LibraryModel = {
  name: REVOCATION_MODEL,
  schema: RevocationSchema,
  collection: 'revocations',
};

@Module({})
export class RevocationModule {
  static register({
    options,
    database,
    connectionName,
  }: Pick<LibraryModules, 'options' | 'database' | 'connectionName'>): DynamicModule {
    return {
      module: RevocationModule,
      imports: [options, database],
      providers: [
        provideModel(REVOCATIONS, connectionName),
        {
          provide: REVOCATION_STORE,
          useFactory: (
            { revocation }: ResolvedAuthOptions,
            model: Model<Revocation>,
            indexes: IndexRegistry,
          ) => {
            // In mode `off` the MongoDB store must not create its collection and indexes.
            if (revocation.mode === 'off') return NO_REVOCATIONS;
            return revocation.store
              ? hostProvided(revocation.store)
              : new MongoRevocationStore(model, indexes);
          },
          inject: [AUTH_OPTIONS, getModelToken(REVOCATION_MODEL, connectionName), IndexRegistry],
        },
        RevocationService,
        SessionWatcher,
      ],
      exports: [RevocationService, SessionWatcher],
    };
  }
}
