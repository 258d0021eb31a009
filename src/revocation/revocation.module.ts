import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { RevocationStore } from '../core/ports.js';
import { hostProvided } from '../database/host-provided.js';
import { MongoRevocationStore } from './mongo-revocation.store.js';
import { REVOCATION_MODEL, Revocation, RevocationSchema } from './revocation.schema.js';
import { REVOCATION_STORE, RevocationService } from './revocation.service.js';

const NO_REVOCATIONS: RevocationStore = {
  add: () => Promise.resolve(),
  read: () => Promise.resolve({ entries: [], mark: { at: new Date(0) } }),
  hasAny: () => Promise.resolve(false),
};

@Module({})
export class RevocationModule {
  static register(options: DynamicModule, database: DynamicModule, connectionName?: string): DynamicModule {
    return {
      module: RevocationModule,
      imports: [
        options,
        database,
        MongooseModule.forFeature([{ name: REVOCATION_MODEL, schema: RevocationSchema }], connectionName),
      ],
      providers: [
        {
          provide: REVOCATION_STORE,
          useFactory: ({ revocation }: ResolvedAuthOptions, model: Model<Revocation>) => {
            // Its collection and indexes are made with it: none where nothing is revoked.
            if (revocation.mode === 'off') return NO_REVOCATIONS;
            return revocation.store ? hostProvided(revocation.store) : new MongoRevocationStore(model);
          },
          inject: [AUTH_OPTIONS, getModelToken(REVOCATION_MODEL, connectionName)],
        },
        RevocationService,
      ],
      exports: [RevocationService],
    };
  }
}
