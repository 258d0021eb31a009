import { type DynamicModule, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { getModelToken, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { EventsModule } from '../events/events.module.js';
import { AccessTokenAuthenticator } from './access-token.authenticator.js';
import { AnomalyDetector } from './anomaly-detector.js';
import { DeviceRecognizer } from './device-recognizer.js';
import { GenerationConfirmer } from './generation-confirmer.js';
import { JwtRefreshStrategy } from './jwt-refresh.strategy.js';
import { JwtStrategy } from './jwt.strategy.js';
import { KeyRing } from './key-ring.js';
import { MongoRefreshTokenStore } from './mongo-refresh-token.store.js';
import { REFRESH_TOKEN_MODEL, type RefreshToken, RefreshTokenSchema } from './refresh-token.schema.js';
import { RefreshTokenService } from './refresh-token.service.js';
import { REFRESH_TOKEN_STORE } from './refresh-token.store.js';
import { SessionAdmission } from './session-admission.js';
import { SessionTerminator } from './session-terminator.js';
import { TokenSigner } from './token-signer.js';

export interface TokensModuleImports {
  readonly options: DynamicModule;
  readonly database: DynamicModule;
  readonly revocation: DynamicModule;
  readonly users: DynamicModule;
}

@Module({})
export class TokensModule {
  static register(
    { options, database, revocation, users }: TokensModuleImports,
    connectionName?: string,
  ): DynamicModule {
    const model = MongooseModule.forFeature(
      [{ name: REFRESH_TOKEN_MODEL, schema: RefreshTokenSchema }],
      connectionName,
    );
    return {
      module: TokensModule,
      imports: [options, database, revocation, users, model, EventsModule, JwtModule.register({})],
      providers: [
        {
          provide: REFRESH_TOKEN_STORE,
          useFactory: (model: Model<RefreshToken>) => new MongoRefreshTokenStore(model),
          inject: [getModelToken(REFRESH_TOKEN_MODEL, connectionName)],
        },
        KeyRing,
        TokenSigner,
        SessionTerminator,
        AnomalyDetector,
        SessionAdmission,
        DeviceRecognizer,
        RefreshTokenService,
        GenerationConfirmer,
        AccessTokenAuthenticator,
        JwtStrategy,
        JwtRefreshStrategy,
      ],
      exports: [
        KeyRing,
        TokenSigner,
        SessionTerminator,
        RefreshTokenService,
        AccessTokenAuthenticator,
        JwtStrategy,
        JwtRefreshStrategy,
        EventsModule,
      ],
    };
  }
}
