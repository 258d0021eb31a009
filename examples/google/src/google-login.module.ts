import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Logger,
  Module,
  Redirect,
  Req,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectConnection } from '@nestjs/mongoose';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { Connection } from 'mongoose';
import {
  AuthError,
  AuthHttp,
  AuthHttpException,
  AuthService,
  type ClientRequest,
  LoginRoute,
  type UserRecord,
  UsersService,
} from 'nestjs-silent-auth';
import { type Profile, Strategy, type StrategyOptions } from 'passport-google-oauth20';

const STATE_LASTS_SECONDS = 600;
const GOOGLE_OPTIONS = Symbol('GOOGLE_OPTIONS');

/** `clientID`, `clientSecret` and `callbackURL` as registered with Google. */
export type GoogleLoginOptions = Omit<StrategyOptions, 'scope' | 'store' | 'state' | 'pkce'> & {
  readonly callbackURL: string;
};

/** With the `__Host-` prefix, which needs HTTPS, no subdomain can set the cookie. */
function stateCookie(options: GoogleLoginOptions): { readonly name: string; readonly secure: boolean } {
  const secure = options.callbackURL.startsWith('https:');
  return { name: secure ? '__Host-google_login' : 'google_login', secure };
}

/** Passport's state store without a session: the cookie proves that the returning browser is the one that left. */
class CookieStateStore {
  private readonly cookie: ReturnType<typeof stateCookie>;

  constructor(options: GoogleLoginOptions) {
    this.cookie = stateCookie(options);
  }

  // Passport checks the number of parameters: a store for PKCE has five and four.
  store(
    request: IncomingMessage & { res: ServerResponse },
    verifier: string,
    _state: unknown,
    _meta: unknown,
    done: (error: null, state: string) => void,
  ): void {
    const { name, secure } = this.cookie;
    const state = randomBytes(32).toString('base64url');
    const attributes = {
      httpOnly: true,
      secure,
      sameSite: 'lax',
      path: '/',
      maxAge: STATE_LASTS_SECONDS,
    } as const;
    request.res.appendHeader('Set-Cookie', stringifySetCookie(name, `${state}.${verifier}`, attributes));
    done(null, state);
  }

  verify(
    request: IncomingMessage,
    given: unknown,
    _meta: unknown,
    done: (error: null, verifier: string | false, state?: string) => void,
  ): void {
    const cookie = parseCookie(request.headers.cookie ?? '')[this.cookie.name];
    const [state, verifier] = cookie?.split('.') ?? [];
    if (!state || !verifier || given !== state) return done(null, false);
    done(null, verifier, state);
  }
}

/** Maps a Google account to a user. */
@Injectable()
class GoogleAccounts {
  private readonly links;

  constructor(
    @InjectConnection() connection: Connection,
    private readonly users: UsersService,
  ) {
    // Linked by Google's stable `sub`: an address can change, and be assigned to another person.
    this.links = connection.collection<{ _id: string; userId: string }>('google_accounts');
  }

  async userOf({ _json: google }: Profile): Promise<{ id: string }> {
    const link = await this.links.findOne({ _id: google.sub });
    const linked = link && (await this.users.findById(link.userId));
    if (linked) return linked;
    if (!google.email || google.email_verified !== true) throw new AuthError('EMAIL_NOT_VERIFIED');
    const user = await this.findOrCreate(google.email, google.name);
    // The user who registered with this address never proved that they own it. If linked, they would share the
    // account.
    if (!user.emailVerifiedAt) throw new AuthError('EMAIL_NOT_VERIFIED');
    await this.links.updateOne({ _id: google.sub }, { $set: { userId: user.id } }, { upsert: true });
    return user;
  }

  private async findOrCreate(email: string, name: string | undefined): Promise<UserRecord> {
    const known = await this.users.findByEmail(email);
    if (known) return known;
    try {
      return await this.users.create({ email, name, emailVerifiedAt: new Date() });
    } catch (error) {
      // A simultaneous request of the same person was first.
      const created = await this.users.findByEmail(email);
      if (created) return created;
      throw error;
    }
  }
}

@Injectable()
class GoogleStrategy extends PassportStrategy(Strategy, 'google') {
  constructor(
    @Inject(GOOGLE_OPTIONS) options: GoogleLoginOptions,
    private readonly accounts: GoogleAccounts,
  ) {
    const store = new CookieStateStore(options) as never;
    super({ ...options, scope: ['openid', 'email', 'profile'], pkce: true, store } as StrategyOptions);
  }

  validate(_accessToken: string, _refreshToken: string, profile: Profile): Promise<{ id: string }> {
    return this.accounts.userOf(profile);
  }
}

/** Passport uses Node's own response, which is `raw` on Fastify's reply. */
@Injectable()
class GoogleGuard extends AuthGuard('google') {
  override getRequest(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<{ res?: ServerResponse }>();
    request.res ??= this.getResponse(context);
    return request;
  }

  getResponse(context: ExecutionContext): ServerResponse {
    const response = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
    return response.raw ?? response;
  }
}

/** The caller is a person, not a program: on any error, return them to the page, which shows a message. */
@Catch()
class BackToThePage implements ExceptionFilter {
  private readonly logger = new Logger('GoogleLogin');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const cause: unknown = error instanceof AuthHttpException ? error.cause : error;
    this.logger.warn(String(cause));
    const code = cause instanceof AuthError ? cause.code : 'GOOGLE_FAILED';
    const response: unknown = host.switchToHttp().getResponse();
    this.adapterHost.httpAdapter.redirect(response, 302, `/?login_failed=${code}`);
  }
}

@Controller('login/google')
class GoogleController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(GOOGLE_OPTIONS) private readonly options: GoogleLoginOptions,
  ) {}

  /** A link of the page leads here; the guard redirects the browser to Google. */
  @Get()
  @UseFilters(BackToThePage)
  @LoginRoute({ isCallback: true })
  @UseGuards(GoogleGuard)
  start(): void {}

  @Get('callback')
  @UseFilters(BackToThePage)
  @LoginRoute({ isCallback: true })
  @UseGuards(GoogleGuard)
  @Redirect('/')
  async callback(
    @Req() request: ClientRequest & { user: { id: string } },
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const grant = await this.auth.openSession(request.user.id, request, { amr: ['fed'] });
    const { name, secure } = stateCookie(this.options);
    const cleared = stringifySetCookie(name, '', { secure, path: '/', maxAge: 0 });
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cleared);
    // Sets the cookies. The page then requests an access token, as after a reload: `await auth.restore()`.
    this.http.welcome(grant, request, response);
  }
}

@Module({})
export class GoogleLoginModule {
  static forRoot(options: GoogleLoginOptions): DynamicModule {
    return {
      module: GoogleLoginModule,
      controllers: [GoogleController],
      providers: [{ provide: GOOGLE_OPTIONS, useValue: options }, GoogleAccounts, GoogleStrategy],
    };
  }
}
