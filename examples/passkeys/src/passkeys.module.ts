import {
  Body,
  Controller,
  type DynamicModule,
  HttpCode,
  Inject,
  Injectable,
  Logger,
  Module,
  type OnModuleInit,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { Connection } from 'mongoose';
import {
  AuthError,
  AuthHttp,
  AuthService,
  type ClientRequest,
  CurrentUser,
  JwtAuthGuard,
  LoginRoute,
  RequireFreshAuth,
  type TokenAnswer,
  UsersService,
} from 'nestjs-silent-auth';

const CHALLENGE_LASTS_MS = 5 * 60_000;
const OPTIONS = Symbol('PASSKEYS_OPTIONS');

export interface PasskeysOptions {
  /** The name of the application, as the browser shows it. */
  readonly name: string;
  /** The origin of its page, such as `https://app.example.com`; passkeys belong to its host. */
  readonly origin: string;
}

interface Passkey {
  readonly _id: string;
  readonly userId: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: string[];
}

/** The purpose of a challenge: a login, or a new passkey of a user. */
type Purpose = 'login' | `user:${string}`;

@Injectable()
class PasskeysService implements OnModuleInit {
  private readonly passkeys;
  private readonly challenges;
  private readonly logger = new Logger('Passkeys');

  constructor(
    @InjectConnection() connection: Connection,
    @Inject(OPTIONS) private readonly options: PasskeysOptions,
  ) {
    this.passkeys = connection.collection<Passkey>('passkeys');
    this.challenges = connection.collection<{ _id: string; purpose: Purpose; expiresAt: Date }>(
      'passkey_challenges',
    );
  }

  async onModuleInit(): Promise<void> {
    await this.passkeys.createIndex({ userId: 1 });
    await this.challenges.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  }

  async registrationOptions(userId: string, email: string) {
    const known = await this.passkeys.find({ userId }).toArray();
    const options = await generateRegistrationOptions({
      rpName: this.options.name,
      rpID: this.rpId,
      userName: email,
      userID: new TextEncoder().encode(userId),
      excludeCredentials: known.map(({ _id: id, transports }) => ({ id, transports })),
      // A passkey that is found without an address, and used only with a fingerprint, a face or a PIN.
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    return this.remember(options, `user:${userId}`);
  }

  /** @throws AuthError `INVALID_CREDENTIALS` */
  async register(userId: string, response: RegistrationResponseJSON): Promise<void> {
    const { registrationInfo } = await this.checked(() =>
      verifyRegistrationResponse({
        response,
        ...this.expected(`user:${userId}`),
        requireUserVerification: true,
      }),
    );
    if (!registrationInfo) throw new AuthError('INVALID_CREDENTIALS');
    const { id, publicKey, counter, transports = [] } = registrationInfo.credential;
    const key = Buffer.from(publicKey).toString('base64url');
    await this.passkeys.insertOne({ _id: id, userId, publicKey: key, counter, transports });
  }

  async loginOptions() {
    const options = await generateAuthenticationOptions({ rpID: this.rpId, userVerification: 'required' });
    return this.remember(options, 'login');
  }

  /** @throws AuthError `INVALID_CREDENTIALS` */
  async logIn(response: AuthenticationResponseJSON): Promise<{ userId: string; amr: string[] }> {
    const passkey = await this.passkeys.findOne({ _id: String(response?.id) });
    if (!passkey) throw new AuthError('INVALID_CREDENTIALS');
    const publicKey = new Uint8Array(Buffer.from(passkey.publicKey, 'base64url'));
    const { verified, authenticationInfo } = await this.checked(() =>
      verifyAuthenticationResponse({
        response,
        ...this.expected('login'),
        credential: { id: passkey._id, publicKey, counter: passkey.counter },
        requireUserVerification: true,
      }),
    );
    if (!verified) throw new AuthError('INVALID_CREDENTIALS');
    const { newCounter, credentialDeviceType } = authenticationInfo;
    await this.passkeys.updateOne({ _id: passkey._id }, { $set: { counter: newCounter } });
    // The key is in one device, or it is synchronised; and the user was present (RFC 8176).
    const amr = [credentialDeviceType === 'singleDevice' ? 'hwk' : 'swk', 'user'];
    return { userId: passkey.userId, amr };
  }

  private get rpId(): string {
    return new URL(this.options.origin).hostname;
  }

  private expected(purpose: Purpose) {
    return {
      // Deletes the challenge: it is valid once, for its own purpose.
      expectedChallenge: async (challenge: string) =>
        (await this.challenges.deleteOne({ _id: challenge, purpose, expiresAt: { $gt: new Date() } }))
          .deletedCount === 1,
      expectedOrigin: this.options.origin,
      expectedRPID: this.rpId,
    };
  }

  private async remember<Options extends { challenge: string }>(options: Options, purpose: Purpose) {
    const expiresAt = new Date(Date.now() + CHALLENGE_LASTS_MS);
    await this.challenges.insertOne({ _id: options.challenge, purpose, expiresAt });
    return options;
  }

  /** The reason for a refused response is only logged. */
  private async checked<T>(verify: () => Promise<T>): Promise<T> {
    try {
      return await verify();
    } catch (cause) {
      this.logger.warn(String(cause));
      throw new AuthError('INVALID_CREDENTIALS', { message: 'The passkey was not accepted.', cause });
    }
  }
}

@Controller('login/passkey')
class PasskeyLoginController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
    private readonly passkeys: PasskeysService,
  ) {}

  @Post('options')
  @HttpCode(200)
  @LoginRoute()
  options() {
    return this.passkeys.loginOptions();
  }

  @Post()
  @HttpCode(200)
  @LoginRoute()
  async logIn(
    @Body() body: { response?: AuthenticationResponseJSON } | undefined,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    if (!body?.response) throw new AuthError('INVALID_CREDENTIALS');
    const { userId, amr } = await this.passkeys.logIn(body.response);
    const grant = await this.auth.openSession(userId, request, { amr });
    return this.http.welcome(grant, request, response);
  }
}

/** For users who proved their identity recently: a thief cannot add a passkey with a stolen session. */
@Controller('passkeys')
@UseGuards(JwtAuthGuard)
@RequireFreshAuth('5m')
class PasskeysController {
  constructor(
    private readonly users: UsersService,
    private readonly passkeys: PasskeysService,
  ) {}

  @Post('options')
  @HttpCode(200)
  async options(@CurrentUser('id') id: string) {
    const user = await this.users.findById(id);
    if (!user) throw new AuthError('NOT_FOUND');
    return this.passkeys.registrationOptions(id, user.email);
  }

  @Post()
  async add(
    @CurrentUser('id') id: string,
    @Body() body: { response?: RegistrationResponseJSON } | undefined,
  ): Promise<object> {
    if (!body?.response) throw new AuthError('INVALID_CREDENTIALS');
    await this.passkeys.register(id, body.response);
    return {};
  }
}

@Module({})
export class PasskeysModule {
  static forRoot(options: PasskeysOptions): DynamicModule {
    return {
      module: PasskeysModule,
      controllers: [PasskeyLoginController, PasskeysController],
      providers: [{ provide: OPTIONS, useValue: options }, PasskeysService],
    };
  }
}
