import { createHash, randomBytes } from 'node:crypto';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Get,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Logger,
  Module,
  type OnModuleInit,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectConnection } from '@nestjs/mongoose';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { Connection } from 'mongoose';
import {
  AuthError,
  AuthHttp,
  AuthHttpException,
  AuthService,
  type ClientRequest,
  LoginRoute,
  Public,
  type UserRecord,
  UsersService,
} from 'nestjs-silent-auth';

const LINK_LASTS_MS = 15 * 60_000;
/** Maximum valid links for one address, so that nobody can fill another person's mailbox. */
const MAX_LINKS = 5;
const SECRET = /^[\w-]{43}$/;
const OPTIONS = Symbol('MAGIC_LINK_OPTIONS');

export interface MagicLinkOptions {
  /** The application's origin, such as `https://app.example.com`. */
  readonly origin: string;
  readonly mailer: LinkMailer;
}

export interface LinkMailer {
  /** @param link valid once, for 15 minutes: never log it */
  sendLink(to: string, link: string): Promise<void>;
}

interface Link {
  /** The hash of its token. */
  readonly _id: string;
  readonly email: string;
  /** The hash of the secret in the cookie of the requesting browser. */
  readonly browser: string;
  readonly expiresAt: Date;
}

@Injectable()
class MagicLinks implements OnModuleInit {
  private readonly links;
  private readonly logger = new Logger('MagicLinks');

  constructor(
    @InjectConnection() connection: Connection,
    @Inject(OPTIONS) private readonly options: MagicLinkOptions,
  ) {
    this.links = connection.collection<Link>('login_links');
  }

  async onModuleInit(): Promise<void> {
    await this.links.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
    await this.links.createIndex({ email: 1 });
  }

  /** Whether or not the account exists, the mail, the answer and its timing are the same. */
  send(email: string, browser: string): void {
    this.sendNow(email, browser).catch((error: unknown) => this.logger.warn(`no mail: ${String(error)}`));
  }

  /** Uses up the link. @returns its address; null if the link is not valid in this browser, and then it is kept */
  async redeem(token: string, browser: string): Promise<string | null> {
    const good = { _id: hash(token), browser: hash(browser), expiresAt: { $gt: new Date() } };
    return (await this.links.findOneAndDelete(good))?.email ?? null;
  }

  private async sendNow(email: string, browser: string): Promise<void> {
    const token = newSecret();
    const now = new Date();
    const expiresAt = new Date(now.getTime() + LINK_LASTS_MS);
    await this.links.insertOne({ _id: hash(token), email, browser: hash(browser), expiresAt });
    // Counted after the insert, so that simultaneous requests count, too.
    if ((await this.links.countDocuments({ email, expiresAt: { $gt: now } })) > MAX_LINKS)
      return void (await this.links.deleteOne({ _id: hash(token) }));
    await this.options.mailer.sendLink(email, `${this.options.origin}/login/link?token=${token}`);
  }
}

/** The caller is a person, not a program: on any error, return them to the page, which shows a message. */
@Catch()
class BackToThePage implements ExceptionFilter {
  private readonly logger = new Logger('MagicLinks');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const cause: unknown = error instanceof AuthHttpException ? error.cause : error;
    this.logger.warn(String(cause));
    const code = cause instanceof AuthError ? cause.code : 'LINK_FAILED';
    const response: unknown = host.switchToHttp().getResponse();
    this.adapterHost.httpAdapter.redirect(response, 303, `/?login_failed=${code}`);
  }
}

@Controller('login/link')
class MagicLinkController {
  private readonly cookie: { readonly name: string; readonly secure: boolean };

  constructor(
    private readonly links: MagicLinks,
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
    private readonly users: UsersService,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(OPTIONS) { origin }: MagicLinkOptions,
  ) {
    const secure = origin.startsWith('https:');
    this.cookie = { name: secure ? '__Host-login_link' : 'login_link', secure };
  }

  @Post()
  @HttpCode(202)
  @LoginRoute()
  ask(
    @Body() body: unknown,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): void {
    const email = textIn(body, 'email').trim().normalize('NFKC').toLowerCase();
    if (!/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 254) throw invalid('email');
    const browser = this.browserOf(request) ?? newSecret();
    const { name, secure } = this.cookie;
    const attributes = {
      httpOnly: true,
      secure,
      sameSite: 'strict',
      path: '/',
      maxAge: LINK_LASTS_MS / 1000,
    } as const;
    const cookie = stringifySetCookie(name, browser, attributes);
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cookie);
    this.links.send(email, browser);
  }

  /** Opening the link changes nothing, because mail scanners open links, too. The button logs in. */
  @Get()
  @Public()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  // Not `no-referrer`: the browser would send the form with `Origin: null`, which is refused as cross-site.
  @Header('Referrer-Policy', 'same-origin')
  @Header(
    'Content-Security-Policy',
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  )
  page(@Query('token') token: unknown): string {
    const form = `<form method="post" action="/login/link/redeem"><input type="hidden" name="token" value="${token}"><button>Log in</button></form>`;
    const dead = '<p>This link does not work. Ask for a new one.</p>';
    const isToken = typeof token === 'string' && SECRET.test(token);
    return `<!doctype html><html lang="en"><title>Log in</title><h1>Log in</h1>${isToken ? form : dead}</html>`;
  }

  @Post('redeem')
  @UseFilters(BackToThePage)
  @LoginRoute()
  @Redirect('/', 303)
  async redeem(
    @Body() body: unknown,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const token = textIn(body, 'token');
    const browser = this.browserOf(request);
    // In another browser the link may be an attacker's, which would log the visitor in to the attacker's account.
    const email = browser && (await this.links.redeem(token, browser));
    if (!email) throw new AuthError('ACTION_TOKEN_INVALID');
    const user = await this.findOrCreate(email);
    // Somebody else may have registered the address, and know the password. Its owner sets a new one by
    // `forgot-password`.
    if (user.passwordHash !== null && !user.emailVerifiedAt) throw new AuthError('EMAIL_NOT_VERIFIED');
    // Two channels, the browser and the mail (RFC 8176).
    const grant = await this.auth.openSession(user.id, request, { amr: ['mca'], isEmailVerified: true });
    this.http.welcome(grant, request, response);
  }

  private browserOf({ headers }: ClientRequest): string | null {
    const secret = parseCookie(String(headers['cookie'] ?? ''))[this.cookie.name];
    return secret && SECRET.test(secret) ? secret : null;
  }

  private async findOrCreate(email: string): Promise<UserRecord> {
    const known = await this.users.findByEmail(email);
    if (known) return known;
    try {
      return await this.users.create({ email, emailVerifiedAt: new Date() });
    } catch (error) {
      // A simultaneous request of the same person was first.
      const created = await this.users.findByEmail(email);
      if (created) return created;
      throw error;
    }
  }
}

@Module({})
export class MagicLinkModule {
  static forRoot(options: MagicLinkOptions): DynamicModule {
    return {
      module: MagicLinkModule,
      controllers: [MagicLinkController],
      providers: [{ provide: OPTIONS, useValue: options }, MagicLinks],
    };
  }
}

const newSecret = (): string => randomBytes(32).toString('base64url');
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** In MongoDB an object instead of a text would be a condition. */
function textIn(body: unknown, field: string): string {
  const value = (body as Record<string, unknown> | undefined)?.[field];
  if (typeof value !== 'string') throw invalid(field);
  return value;
}

function invalid(field: string): AuthError {
  return new AuthError('VALIDATION_FAILED', { fields: [{ field, message: `${field} is not valid` }] });
}
