import { type DynamicModule, Module } from '@nestjs/common';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { hostProvided } from '../database/host-provided.js';
import { MongoRevocationStore } from './mongo-revocation.store.js';
import { REVOCATION_MODEL, Revocation, RevocationSchema } from './revocation.schema.js';
import { REVOCATION_STORE, RevocationService } from './revocation.service.js';

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
          useFactory: ({ revocation }: ResolvedAuthOptions, model: Model<Revocation>) =>
            revocation.store ? hostProvided(revocation.store) : new MongoRevocationStore(model),
          inject: [AUTH_OPTIONS, getModelToken(REVOCATION_MODEL, connectionName)],
        },
        RevocationService,
      ],
      exports: [RevocationService],
    };
  }
}
