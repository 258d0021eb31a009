import { createHash, randomBytes } from 'node:crypto';
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  HttpCode,
  Injectable,
  Module,
  type OnModuleInit,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD, ModulesContainer } from '@nestjs/core';
import { InjectConnection } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import {
  type AuthenticatedUser,
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
import { Secret, TOTP } from 'otpauth';

const APP_NAME = 'Example';
const PERIOD_SECONDS = 30;
/** Maximum time between the password and the code. */
const TICKET_LASTS_MS = 5 * 60_000;
/** An attacker who guesses codes knows the password already, and six digits are few. */
const WRONG_CODES = { limit: 5, withinMs: 15 * 60_000 };

/** The second factors: which users have one, and which codes are valid. */
@Injectable()
export class TotpService implements OnModuleInit {
  private readonly factors;
  private readonly tickets;
  private readonly wrongCodes;

  /** Tests replace the clock. */
  now = (): number => Date.now();

  constructor(@InjectConnection() connection: Connection) {
    // `lastStep` is the time step of the last code used: no code is valid twice (RFC 6238 §5.2).
    this.factors = connection.collection<{
      _id: string;
      secret?: string;
      pending?: string;
      lastStep: number;
    }>('totp_factors');
    this.tickets = connection.collection<{ _id: string; userId: string; expiresAt: Date }>('totp_tickets');
    this.wrongCodes = connection.collection<{ userId: string; expiresAt: Date }>('totp_wrong_codes');
  }

  async onModuleInit(): Promise<void> {
    await this.tickets.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
    await this.wrongCodes.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
    await this.wrongCodes.createIndex({ userId: 1 });
  }

  async isEnrolled(userId: string): Promise<boolean> {
    return (await this.factors.findOne({ _id: userId }))?.secret !== undefined;
  }

  /** @returns the text for an authenticator app, to show as a QR code */
  async enrol(userId: string, label: string): Promise<string> {
    if (await this.isEnrolled(userId)) throw new AuthError('FORBIDDEN');
    const secret = new Secret({ size: 20 });
    const change = { $set: { pending: secret.base32 }, $setOnInsert: { lastStep: 0 } };
    await this.factors.updateOne({ _id: userId }, change, { upsert: true });
    return new TOTP({ issuer: APP_NAME, label, secret, period: PERIOD_SECONDS }).toString();
  }

  /** The first code proves that the app has the secret: from now on logins ask for one. */
  async confirm(userId: string, code: string): Promise<void> {
    const pending = (await this.factors.findOne({ _id: userId }))?.pending;
    if (pending === undefined) throw new AuthError('NOT_FOUND');
    await this.use(userId, pending, code);
    await this.factors.updateOne({ _id: userId }, { $set: { secret: pending }, $unset: { pending: 1 } });
  }

  async issueTicket(userId: string): Promise<string> {
    const ticket = randomBytes(32).toString('base64url');
    const expiresAt = new Date(this.now() + TICKET_LASTS_MS);
    await this.tickets.insertOne({ _id: hash(ticket), userId, expiresAt });
    return ticket;
  }

  /** Uses up the ticket and the code. @returns the user's id */
  async redeem(ticket: string, code: string): Promise<string> {
    const found = await this.tickets.findOne({ _id: hash(ticket), expiresAt: { $gt: new Date(this.now()) } });
    const secret = found && (await this.factors.findOne({ _id: found.userId }))?.secret;
    if (!found || !secret) throw new AuthError('ACTION_TOKEN_INVALID');
    await this.use(found.userId, secret, code);
    const { deletedCount } = await this.tickets.deleteOne({ _id: found._id });
    if (deletedCount === 0) throw new AuthError('ACTION_TOKEN_INVALID');
    return found.userId;
  }

  /** @throws AuthError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS` */
  private async use(userId: string, secret: string, code: string): Promise<void> {
    const now = this.now();
    // Counted before the code is checked, so that simultaneous guesses count, too.
    const { insertedId } = await this.wrongCodes.insertOne({
      userId,
      expiresAt: new Date(now + WRONG_CODES.withinMs),
    });
    const attempts = await this.wrongCodes.countDocuments({ userId, expiresAt: { $gt: new Date(now) } });
    if (attempts > WRONG_CODES.limit) {
      await this.wrongCodes.deleteOne({ _id: insertedId });
      throw new AuthError('TOO_MANY_ATTEMPTS', { retryAfter: WRONG_CODES.withinMs / 1000 });
    }
    const totp = new TOTP({ secret: Secret.fromBase32(secret), period: PERIOD_SECONDS });
    // Accepts one step to either side, for clocks that differ (RFC 6238 §5.2).
    const delta = /^\d{6}$/.test(code) ? totp.validate({ token: code, timestamp: now, window: 1 }) : null;
    const step = Math.floor(now / 1000 / PERIOD_SECONDS) + (delta ?? 0);
    const isNew =
      delta !== null &&
      (await this.factors.updateOne({ _id: userId, lastStep: { $lt: step } }, { $set: { lastStep: step } }))
        .modifiedCount === 1;
    if (!isNew) throw new AuthError('INVALID_CREDENTIALS', { message: 'The code is wrong or was used.' });
    await this.wrongCodes.deleteMany({ userId });
  }
}

/** The library's own login asks for a password only, so it is closed: it would bypass the second factor. */
@Injectable()
class NoPasswordAlone implements CanActivate, OnModuleInit {
  private readonly handlers: unknown[] = [];

  constructor(private readonly modules: ModulesContainer) {}

  onModuleInit(): void {
    const controllers = [...this.modules.values()].flatMap((module) => [...module.controllers.values()]);
    for (const { name, metatype } of controllers)
      if (name === 'AuthController') this.handlers.push(metatype?.prototype.login);
    if (!this.handlers.some((handler) => typeof handler === 'function'))
      throw new Error('the login of nestjs-silent-auth was not found: it must be closed');
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.handlers.includes(context.getHandler())) throw new AuthError('NOT_FOUND');
    return true;
  }
}

@Controller('login')
class TotpLoginController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
    private readonly totp: TotpService,
  ) {}

  @Post('password')
  @HttpCode(200)
  @LoginRoute()
  async password(
    @Body() body: unknown,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer | { ticket: string }> {
    const { email, password } = texts(body, 'email', 'password');
    const user = await this.auth.checkPassword(email, password, request);
    if (await this.totp.isEnrolled(user.id)) return { ticket: await this.totp.issueTicket(user.id) };
    const grant = await this.auth.openSession(user.id, request, { amr: ['pwd'] });
    return this.http.welcome(grant, request, response);
  }

  @Post('totp')
  @HttpCode(200)
  @LoginRoute()
  async code(
    @Body() body: unknown,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const { ticket, code } = texts(body, 'ticket', 'code');
    const userId = await this.totp.redeem(ticket, code);
    const grant = await this.auth.openSession(userId, request, { amr: ['pwd', 'otp'] });
    return this.http.welcome(grant, request, response);
  }
}

/** For users who entered their password recently: a thief cannot set up a factor with a stolen session. */
@Controller('totp')
@UseGuards(JwtAuthGuard)
@RequireFreshAuth('5m')
class TotpController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
    private readonly users: UsersService,
    private readonly totp: TotpService,
  ) {}

  @Post('enrol')
  async enrol(@CurrentUser('id') id: string): Promise<{ uri: string }> {
    const user = await this.users.findById(id);
    if (!user) throw new AuthError('NOT_FOUND');
    return { uri: await this.totp.enrol(id, user.email) };
  }

  @Post('confirm')
  @HttpCode(200)
  async confirm(
    @Body() body: unknown,
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    await this.totp.confirm(user.id, texts(body, 'code').code);
    const grant = await this.auth.reauthenticate(user, request, { amr: ['pwd', 'otp'] });
    return this.http.answer(grant, response);
  }
}

@Module({
  controllers: [TotpLoginController, TotpController],
  providers: [TotpService, { provide: APP_GUARD, useClass: NoPasswordAlone }],
})
export class TotpLoginModule {}

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Fields that must be texts; in MongoDB an object would be a condition. */
function texts<Name extends string>(body: unknown, ...names: Name[]): Record<Name, string> {
  const given = (body ?? {}) as Record<string, unknown>;
  const wrong = names.filter((name) => typeof given[name] !== 'string' || given[name] === '');
  if (wrong.length === 0) return given as Record<Name, string>;
  const fields = wrong.map((field) => ({ field, message: `${field} must be a text` }));
  throw new AuthError('VALIDATION_FAILED', { fields });
}
