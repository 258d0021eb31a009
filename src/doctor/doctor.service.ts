import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { USER_STORE, type UserStore } from '../core/ports.js';
import { DatabaseHealth } from '../database/database-health.js';
import { ForwardedWatch } from '../http/forwarded-watch.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { MongoUserStore } from '../users/mongo-user.store.js';
import { poolThreads, QueuedPasswordHasher } from '../users/queued-password-hasher.js';
import { knownHashes } from '../users/user-census.js';
import { examine } from './checks/examine.js';
import type { HashingFacts } from './checks/facts.js';
import type { Finding } from './checks/finding.js';
import { isSuspiciouslySlow } from './checks/policy-checks.js';
import { readDatabase, type ReadUsers } from './database-facts.js';
import { readHost } from './host-facts.js';
import { ShadowedRoutes } from './shadowed-routes.js';

/** Injection token of the end of the path of `POST …/refresh`; null if the host has its own route. */
export const REFRESH_ROUTE = Symbol('REFRESH_ROUTE');

/** Maximum number of test hashes: on a busy machine every hash is slow. */
const MEASURES = 3;
/** The oldest users are checked, because users from before the library are among them. */
const USERS_LOOKED_AT = 1000;
/** The method of Nest's logger for each severity. */
const LOG_LEVELS = { error: 'error', warning: 'warn', info: 'log' } as const;

/**
 * Reports problems of the configuration, the database and the application around the module. At boot it examines them once
 * in the background and logs each finding. It changes nothing and never prevents the start. `doctor: false` turns it off.
 */
@Injectable()
export class DoctorService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Doctor');
  private readonly reported = new Set<string>();
  private boot: Promise<readonly Finding[]> = Promise.resolve([]);
  private isClosing = false;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(REFRESH_ROUTE) private readonly refreshRoute: string | null,
    private readonly hasher: QueuedPasswordHasher,
    private readonly database: DatabaseHealth,
    private readonly forwarded: ForwardedWatch,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(USER_STORE) private readonly users: UserStore,
    private readonly shadowed: ShadowedRoutes,
  ) {}

  /** The findings of the examination at boot, the worst first; empty if it is turned off. Never rejects. */
  get atBoot(): Promise<readonly Finding[]> {
    return this.boot;
  }

  onApplicationBootstrap(): void {
    if (!this.options.doctor) return;
    this.boot = this.examineAndReport();
    this.forwarded.whenSeen(() => void this.examineAndReport());
  }

  onModuleDestroy(): void {
    this.isClosing = true;
  }

  /**
   * Examines now: a few database reads within at most five seconds, and a few hashes.
   * @param isBeforeStart if true, indexes that the start of the service will build are not findings
   * @returns the worst first; empty if nothing is wrong
   */
  async examine({ isBeforeStart = false }: { isBeforeStart?: boolean } = {}): Promise<Finding[]> {
    const [database, hashing] = await Promise.all([
      readDatabase(this.database, this.readUsers(), isBeforeStart),
      this.readHashing(),
    ]);
    return examine({
      options: this.options,
      environment: process.env['NODE_ENV'] ?? null,
      database,
      hashing,
      host: {
        ...readHost(this.adapterHost.httpAdapter, this.refreshRoute),
        hasIgnoredProxy: this.forwarded.hasSeen,
        shadowedRoutes: this.shadowed.find(),
      },
    });
  }

  /** Logs findings by their severity, each once per process. An application may add its own. */
  report(findings: readonly Finding[]): void {
    for (const { code, severity, subject, message, fix } of findings) {
      const id = `${code} ${subject}`;
      if (this.reported.has(id)) continue;
      this.reported.add(id);
      this.logger[LOG_LEVELS[severity]](`${subject}: ${message}. Fix: ${fix} [${code}]`);
    }
  }

  private async examineAndReport(): Promise<Finding[]> {
    try {
      const findings = await this.examine();
      if (!this.isClosing) this.report(findings);
      return findings;
    } catch (error) {
      this.logger.warn(`the examination failed: ${String(error)}`);
      return [];
    }
  }

  /** Null if the host stores its users elsewhere. */
  private readUsers(): ReadUsers {
    const { users } = this;
    const { hasher, verifiers } = this.options.password;
    if (!(users instanceof MongoUserStore)) return null;
    return () => users.census(USERS_LOOKED_AT, hasher ? () => true : knownHashes(verifiers));
  }

  /** Null if the host has its own hasher, whose cost is unknown. */
  private async readHashing(): Promise<HashingFacts | null> {
    if (this.options.password.hasher !== null) return null;
    // The hash at boot ran during other work, which only makes it slower: measure again.
    for (let i = 0; i < MEASURES && isSuspiciouslySlow(this.hasher.fastestMs ?? Infinity); i++)
      // If logins fill the queue, one of them has measured a hash.
      await this.hasher.hash('a measure of time').catch(() => null);
    const { fastestMs: hashMs, stats } = this.hasher;
    return hashMs === null ? null : { hashMs, concurrency: stats.concurrency, threads: poolThreads() };
  }
}
