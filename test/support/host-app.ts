import { randomBytes } from 'node:crypto';
import { Controller, Get, type INestApplication, type ModuleMetadata, Post, UseGuards } from '@nestjs/common';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { CommandStartedEvent } from 'mongodb';
import type { Connection } from 'mongoose';
import {
  answerBadUrl,
  AuditService,
  type AuthenticatedSession,
  type AuthenticatedUser,
  AuthModule,
  type AuthModuleExtras,
  type AuthOptions,
  CurrentSession,
  CurrentUser,
  JwtAuthGuard,
  Public,
  Roles,
  RolesGuard,
} from '../../src/index.js';
import { GenerationConfirmer } from '../../src/tokens/generation-confirmer.js';
import { databaseUri } from './database.js';
import { Api } from './http.js';

export const ADAPTERS = ['express', 'fastify'] as const;
export type Adapter = (typeof ADAPTERS)[number];

const newSecret = () => randomBytes(36).toString('base64url');

export function authOptions(over: Partial<AuthOptions> = {}): AuthOptions {
  return {
    issuer: 'https://issuer.example.com',
    keys: { access: [newSecret()], refresh: [newSecret()] },
    password: { bcryptCost: 4 },
    throttle: false,
    // The doctor sends commands of its own, and tests count commands.
    doctor: false,
    ...over,
    refreshToken: { allowBodyTransport: true, cookie: { secure: false }, ...over.refreshToken },
  };
}

/** Routes as an adopter would write them. */
@Controller('orders')
export class OrdersController {
  @Get()
  @UseGuards(JwtAuthGuard)
  list(@CurrentUser() user: AuthenticatedUser, @CurrentSession() session: AuthenticatedSession) {
    return { user, session };
  }

  @Get('bare')
  bare() {
    return { ok: true };
  }

  @Get('public')
  @Public()
  open(@CurrentUser() user?: AuthenticatedUser) {
    return { user: user ?? null };
  }

  @Post('approve')
  @Roles('admin', 'approver')
  @UseGuards(JwtAuthGuard, RolesGuard)
  approve() {
    return { approved: true };
  }

  @Get('broken')
  broken() {
    throw new Error('a bug of the host');
  }
}

/** An adopter's application that imports the module and listens on loopback. */
export class HostApp {
  private constructor(
    readonly app: INestApplication,
    readonly origin: string,
    /** Commands sent to the database, in order; empty it before what you count. */
    readonly commands: CommandStartedEvent[],
  ) {}

  static async start(
    adapter: Adapter,
    options: Partial<AuthOptions> & AuthModuleExtras = {},
    metadata: ModuleMetadata = {},
  ): Promise<HostApp> {
    const { isGlobal, globalGuard, routePrefix, controllers, ...rest } = options;
    const extras = { isGlobal, globalGuard, routePrefix, controllers };
    return HostApp.startWith(adapter, {
      ...metadata,
      imports: [AuthModule.forRoot({ ...authOptions(rest), ...extras }), ...(metadata.imports ?? [])],
    });
  }

  /** With the test's own modules; the Mongoose connection exists already. */
  static async startWith(
    adapter: Adapter,
    metadata: ModuleMetadata,
    uri = databaseUri('host'),
    /** What the host's `main.ts` does before it listens. */
    configure: (app: INestApplication) => void = () => {},
  ): Promise<HostApp> {
    const commands: CommandStartedEvent[] = [];
    let opened: Connection | undefined;
    const builder = Test.createTestingModule({
      ...metadata,
      imports: [
        MongooseModule.forRoot(uri, {
          monitorCommands: true,
          serverSelectionTimeoutMS: 500,
          onConnectionCreate: (connection: Connection) => {
            opened = connection;
            connection.on('open', () =>
              connection.getClient().on('commandStarted', (event) => commands.push(event)),
            );
          },
        }),
        ...(metadata.imports ?? []),
      ],
      controllers: [OrdersController, ...(metadata.controllers ?? [])],
    });
    // If the boot fails there is no application to close, so close its connection here.
    const module = await builder.compile().catch(async (error: unknown) => {
      await opened?.close();
      throw error;
    });
    const app =
      adapter === 'fastify'
        ? module.createNestApplication<NestFastifyApplication>(
            new FastifyAdapter({ frameworkErrors: answerBadUrl }),
            { logger: false },
          )
        : module.createNestApplication({ logger: false });
    configure(app);
    await app.listen(0, '127.0.0.1').catch(async (error: unknown) => {
      await app.close();
      throw error;
    });
    return new HostApp(app, await app.getUrl(), commands);
  }

  get connection(): Connection {
    return this.app.get<Connection>(getConnectionToken());
  }

  api(headers: Record<string, string> = {}): Api {
    return new Api(this.origin, headers);
  }

  /** The commands that requests sent, without those of the revocation feed and the audit log. */
  requestCommands(): CommandStartedEvent[] {
    return this.commands.filter(
      ({ command, commandName }) =>
        command.find !== 'revocations' &&
        command.collection !== 'revocations' &&
        !String(command[commandName]).startsWith('security_'),
    );
  }

  /** Resolves when the background writes of earlier requests are done. */
  async commandsSettled(): Promise<void> {
    await this.app.get(GenerationConfirmer, { strict: false }).settled();
  }

  async stop(): Promise<void> {
    // A pending write would create the database again.
    await this.app.get(AuditService, { strict: false }).flush();
    await this.connection.dropDatabase();
    await this.app.close();
  }
}
