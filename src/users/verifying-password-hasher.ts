import { setTimeout as delay } from 'node:timers/promises';
import type { PasswordHasher, PasswordVerifier } from '../core/ports.js';

/** Weight of a new measurement in the average time. */
const WEIGHT = 0.2;

/**
 * A hasher that also verifies the hashes of other systems, and has them replaced at a login. Refusing with a cheaper hash
 * takes as long as with a current one, so the time does not reveal which accounts are old.
 */
export class VerifyingPasswordHasher implements PasswordHasher {
  /** Average time of the hasher's own work, in milliseconds. */
  private ownMs = 0;

  constructor(
    private readonly hasher: PasswordHasher,
    private readonly verifiers: readonly PasswordVerifier[],
  ) {}

  async hash(password: string): Promise<string> {
    return this.measured(() => this.hasher.hash(password));
  }

  async verify(password: string, stored: string): Promise<boolean> {
    const verifier = this.verifierOf(stored);
    if (!verifier) return this.measured(() => this.hasher.verify(password, stored));
    const from = performance.now();
    // A verifier of the host may throw on a damaged hash.
    const isRight = await verifier.verify(password, stored).catch(() => false);
    const leftMs = this.ownMs - (performance.now() - from);
    if (!isRight && leftMs > 0) await delay(leftMs);
    return isRight;
  }

  needsUpgrade(stored: string): boolean {
    return this.verifierOf(stored) !== undefined || this.hasher.needsUpgrade(stored);
  }

  private verifierOf(stored: string): PasswordVerifier | undefined {
    return this.verifiers.find((verifier) => verifier.matches(stored));
  }

  private async measured<T>(work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const result = await work();
    const tookMs = performance.now() - from;
    this.ownMs = this.ownMs === 0 ? tookMs : this.ownMs + WEIGHT * (tookMs - this.ownMs);
    return result;
  }
}
