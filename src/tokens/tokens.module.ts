import { type DynamicModule, type FactoryProvider, Module, type Provider } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { getModelToken } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { CLOCK, type Clock } from '../core/ports.js';
import { REFRESH_TOKEN_STORE, type RefreshTokenStore } from '../core/refresh-token.store.js';
import { hostProvided } from '../database/host-provided.js';
import { IndexRegistry } from '../database/index-registry.js';
import { type LibraryModel, provideModel } from '../database/library-model.js';
import type { LibraryModules } from '../database/library-modules.js';
import { EventsModule } from '../events/events.module.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { AnomalyDetector } from '../risk/anomaly-detector.js';
import { DeviceRecognizer } from '../risk/device-recognizer.js';
import { AccessTokenAuthenticator } from './access-token.authenticator.js';
import { ActivityReview } from './activity-review.js';
import { DeviceBinding } from './device-bound/device-binding.js';
import { FingerprintCheck } from './fingerprint-check.js';
import { GenerationConfirmer } from './generation-confirmer.js';
import { HostClaims } from './host-claims.js';
import { KeyRing } from './keys/key-ring.js';
import { KnownDevices } from './known-devices.js';
import { MongoRefreshTokenStore } from './mongo-refresh-token.store.js';
import { Possession } from './possession.js';
import { ProofVerifier } from './proof-verifier.js';
import { REFRESH_TOKEN_MODEL, type RefreshToken, RefreshTokenSchema } from './refresh-token.schema.js';
import { RefreshTokenService } from './refresh-token.service.js';
import { ReuseResponse } from './reuse-response.js';
import { RotationOutcomes } from './rotation-outcomes.js';
import { SessionAdmission } from './session-admission.js';
import { SessionAuthentication } from './session-authentication.js';
import { SessionCap } from './session-cap.js';
import { SessionOpener } from './session-opener.js';
import { SessionReissue } from './session-reissue.js';
import { SessionTerminator } from './session-terminator.js';
import { TokenSigner } from './token-signer.js';
import { TokenVerifier } from './token-verifier.js';
import { TokenVersions } from './token-version.js';

const REFRESH_TOKENS: LibraryModel = {
  name: REFRESH_TOKEN_MODEL,
  schema: RefreshTokenSchema,
  collection: 'refreshTokens',
};
/** Exported to the other modules of the library and to hosts. */
const SHARED = [
  KeyRing,
  ProofVerifier,
  Possession,
  DeviceBinding,
  TokenSigner,
  HostClaims,
  SessionTerminator,
  SessionOpener,
  SessionAuthentication,
  RefreshTokenService,
  TokenVersions,
  KnownDevices,
  AccessTokenAuthenticator,
];
/** The signer is also the verifier. */
const VERIFIER: Provider = { provide: TokenVerifier, useExisting: TokenSigner };

const SERVICES: Provider[] = [
  ...SHARED,
  VERIFIER,
  AnomalyDetector,
  DeviceRecognizer,
  ActivityReview,
  FingerprintCheck,
  SessionAdmission,
  SessionCap,
  ReuseResponse,
  RotationOutcomes,
  SessionReissue,
  GenerationConfirmer,
];

@Module({})
export class TokensModule {
  static register({
    options,
    database,
    revocation,
    users,
    connectionName,
  }: Pick<
    LibraryModules,
    'options' | 'database' | 'revocation' | 'users' | 'connectionName'
  >): DynamicModule {
    return {
      module: TokensModule,
      imports: [options, database, revocation, users, EventsModule, JwtModule.register({})],
      providers: [provideModel(REFRESH_TOKENS, connectionName), storeProvider(connectionName), ...SERVICES],
      exports: [...SHARED, TokenVerifier, EventsModule],
    };
  }
}

function storeProvider(connectionName: string | undefined): FactoryProvider<RefreshTokenStore> {
  return {
    provide: REFRESH_TOKEN_STORE,
    useFactory: (
      { refreshToken }: ResolvedAuthOptions,
      model: Model<RefreshToken>,
      indexes: IndexRegistry,
      clock: Clock,
    ) =>
      refreshToken.store
        ? hostProvided(refreshToken.store)
        : new MongoRefreshTokenStore(model, indexes, clock),
    inject: [AUTH_OPTIONS, getModelToken(REFRESH_TOKEN_MODEL, connectionName), IndexRegistry, CLOCK],
  };
}
