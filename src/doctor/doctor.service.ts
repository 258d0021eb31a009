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

/** Injection token: how the path of `POST …/refresh` ends; null if the host serves its own. */
export const REFRESH_ROUTE = Symbol('REFRESH_ROUTE');

/** Maximum of test hashes: on a machine that stays busy, every hash is slow. */
const MEASURES = 3;
/** The oldest ones: what was there before the library is among them. */
const USERS_LOOKED_AT = 1000;
/** The method of Nest's logger for each severity. */
const LOG_LEVELS = { error: 'error', warning: 'warn', info: 'log' } as const;

/**
 * Reports what is wrong with the configuration, the database and the application around the module, although it runs. At
 * boot it examines them once in the background and logs each finding; it changes nothing and never prevents the start.
 * `doctor: false` turns that off.
 */
@Injectable()
export class DoctorService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Doctor');
  private readonly told = new Set<string>();
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

  /** The findings of the examination at boot, the worst first; none if it is turned off. Never rejects. */
  get atBoot(): Promise<readonly Finding[]> {
    return this.boot;
  }

  onApplicationBootstrap(): void {
    if (!this.options.doctor) return;
    this.boot = this.examineAndTell();
    this.forwarded.whenSeen(() => void this.examineAndTell());
  }

  onModuleDestroy(): void {
    this.isClosing = true;
  }

  /**
   * Examines now: a few reads of the database, at most five seconds of waiting for it, and a few hashes.
   * @param isBeforeStart whether the service has not started yet: what the start will build is then no finding
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
  tell(findings: readonly Finding[]): void {
    for (const { code, severity, subject, message, mend } of findings) {
      const id = `${code} ${subject}`;
      if (this.told.has(id)) continue;
      this.told.add(id);
      this.logger[LOG_LEVELS[severity]](`${subject}: ${message}. Mend: ${mend} [${code}]`);
    }
  }

  private async examineAndTell(): Promise<Finding[]> {
    try {
      const findings = await this.examine();
      if (!this.isClosing) this.tell(findings);
      return findings;
    } catch (error) {
      this.logger.warn(`the examination failed: ${String(error)}`);
      return [];
    }
  }

  /** Null where the host keeps its users elsewhere. */
  private readUsers(): ReadUsers {
    const { users } = this;
    const { hasher, verifiers } = this.options.password;
    if (!(users instanceof MongoUserStore)) return null;
    return () => users.census(USERS_LOOKED_AT, hasher ? () => true : knownHashes(verifiers));
  }

  /** Null for a hasher of the host, whose cost is unknown. */
  private async readHashing(): Promise<HashingFacts | null> {
    if (this.options.password.hasher !== null) return null;
    // The hash at boot ran beside much other work, and noise only makes a hash slower: measure again.
    for (let i = 0; i < MEASURES && isSuspiciouslySlow(this.hasher.fastestMs ?? Infinity); i++)
      // If logins fill the queue, one of them has measured a hash.
      await this.hasher.hash('a measure of time').catch(() => null);
    const { fastestMs: hashMs, stats } = this.hasher;
    return hashMs === null ? null : { hashMs, concurrency: stats.concurrency, threads: poolThreads() };
  }
}
