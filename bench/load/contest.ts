import { type Contender, type RoundLimits, runRound, type Sample } from './closed-loop.js';
import { median } from './statistics.js';

export interface ContestLimits {
  readonly rounds: number;
  readonly roundMs: number;
  readonly beforehand: RoundLimits;
  /**
   * The part at the start of each round that is not measured, default 0. Where many processes take turns, each returns
   * to cold caches after its pause, and a large program needs longer than a small one to fill them.
   */
  readonly unmeasuredMs?: number;
}

/**
 * A service runs for days, and V8 optimises a refresh only after thousands of them: until then it does half as many as
 * later. So each contender gets this many, and time for them, before it is measured.
 *
 * @param quick for a run whose figures mean nothing
 */
export function warmUp(quick: boolean): RoundLimits {
  return { requests: 6_000, ms: quick ? 100 : 45_000 };
}

const MAX_REQUESTS_A_ROUND = 200_000;

/** Contenders under the same conditions, in turns, so that whatever slows the machine slows all of them. */
export class Contest<Name extends string> {
  private constructor(private readonly samples: Record<Name, readonly Sample[]>) {}

  static async hold<Name extends string>(
    contenders: Record<Name, Contender>,
    { rounds, roundMs, beforehand, unmeasuredMs = 0 }: ContestLimits,
  ): Promise<Contest<Name>> {
    const names = Object.keys(contenders) as Name[];
    const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Sample[]>;
    const limits = (ms: number): RoundLimits => ({ ms, requests: MAX_REQUESTS_A_ROUND });
    for (const name of names) await runRound(contenders[name], beforehand);
    for (let round = 0; round < rounds; round += 1) {
      // Each round starts with another one, and every second round is reversed, so that none always follows the
      // same neighbour.
      const turned = [...names.slice(round % names.length), ...names.slice(0, round % names.length)];
      for (const name of round % 2 === 0 ? turned : turned.toReversed()) {
        if (unmeasuredMs > 0) await runRound(contenders[name], limits(unmeasuredMs));
        samples[name].push(await runRound(contenders[name], limits(roundMs)));
      }
    }
    return new Contest(samples);
  }

  /** Median of the rounds. */
  rate(name: Name, measure: keyof Sample = 'rate'): number {
    return median(this.samples[name].map((sample) => sample[measure]));
  }

  /** Median of the ratios of each round. */
  ratio(of: Name, to: Name, measure: keyof Sample = 'rate'): number {
    const reference = this.samples[to];
    return median(
      this.samples[of].map((sample, round) => sample[measure] / (reference[round]?.[measure] ?? NaN)),
    );
  }

  /** The values from which a ratio was computed. */
  describe(of: Name, to: Name): string {
    const rates = `${whole(this.rate(of))} ÷ ${whole(this.rate(to))} requests/s`;
    return `${rates}; ${this.ratio(of, to, 'rate').toFixed(2)} by rate, ${this.ratio(of, to, 'ratePerCpu').toFixed(2)} by processor time`;
  }
}

function whole(rate: number): string {
  return rate.toLocaleString('en', { maximumFractionDigits: rate < 100 ? 1 : 0 });
}
