import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { examine } from '../../core/doctor/examine.js';
import type { HashingFacts } from '../../core/doctor/facts.js';
import type { Finding } from '../../core/doctor/finding.js';
import { isSuspiciouslySlow } from '../../core/doctor/policy-checks.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../core/options/resolve-options.js';
import { DatabaseHealth } from '../../database/database-health.js';
import { poolThreads, QueuedPasswordHasher } from '../../users/queued-password-hasher.js';
import { readDatabase } from './database-facts.js';
import { ForwardedWatch } from './forwarded-watch.js';
import { readHost } from './host-facts.js';

/** Injection token: how the path of `POST …/refresh` ends; null where the host serves its own. */
export const REFRESH_ROUTE = Symbol('REFRESH_ROUTE');

/** Of a hash, at most: on a machine that is busy for long each is slow. */
const MEASURES = 3;

/**
 * Tells what is wrong with the configuration, the database and the application around the module, though it runs. Once at
 * boot it looks by itself, in the background, and logs each finding; it changes nothing, and keeps nothing from starting.
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
  ) {}

  /** Resolves to what the examination at boot found, the worst first; to nothing where it is turned off. Never rejects. */
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
   * Looks now: a few reads of the database, at most five seconds of waiting for it, and at most two hashes.
   * @param isBeforeStart whether this is to tell of a start to come: what it will build by itself is then no finding
   * @returns the worst first; none where nothing is wrong
   */
  async examine({ isBeforeStart = false }: { isBeforeStart?: boolean } = {}): Promise<Finding[]> {
    const [database, hashing] = await Promise.all([
      readDatabase(this.database, isBeforeStart),
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
      },
    });
  }

  /** Logs findings, an application's own among them, by their severity; each once in the life of the process. */
  tell(findings: readonly Finding[]): void {
    for (const { code, severity, subject, message, mend } of findings) {
      const id = `${code} ${subject}`;
      if (this.told.has(id)) continue;
      this.told.add(id);
      const level = severity === 'error' ? 'error' : severity === 'warning' ? 'warn' : 'log';
      this.logger[level](`${subject}: ${message}. Mend: ${mend} [${code}]`);
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

  /** Null where a hasher of the host is in use, of whose cost nothing is known. */
  private async readHashing(): Promise<HashingFacts | null> {
    if (this.options.password.hasher !== null) return null;
    // At boot one was made already, among much other work; noise only makes it longer.
    for (let i = 0; i < MEASURES && isSuspiciouslySlow(this.hasher.fastestMs ?? Infinity); i++)
      // Where logins fill the queue there was a hash before.
      await this.hasher.hash('a measure of time').catch(() => null);
    const { fastestMs: hashMs, stats } = this.hasher;
    return hashMs === null ? null : { hashMs, concurrency: stats.concurrency, threads: poolThreads() };
  }
}
