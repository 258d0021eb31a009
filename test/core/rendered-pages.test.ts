import { expect, it } from '@jest/globals';
import type { RotationPolicy } from '../../src/core/rotation.js';
import { AttemptRecord } from '../support/rotation-model/attempt-record.js';
import { type ModelAnswer, ModelSession, type ModelToken } from '../support/rotation-model/model-session.js';

const POLICY: RotationPolicy = {
  gracePeriodMs: 10_000,
  lostResponseWindowMs: 604_800_000,
  fingerprintMode: 'report',
};
const ADDRESS = '198.51.100.7';

/** Who refreshes, whether the answer is lost, and how many seconds after the step before. */
interface Step {
  readonly by: 'page' | 'client';
  readonly isLost: boolean;
  readonly afterS: number;
}

const STEPS: readonly Step[] = (['page', 'client'] as const).flatMap((by) =>
  [false, true].flatMap((isLost) => [1, 15].map((afterS) => ({ by, isLost, afterS }))),
);

/** A browser whose pages a server renders, without attempts, and whose client sends them. */
class Honest {
  now = 1e12;
  readonly session = new ModelSession({ at: this.now, ip: ADDRESS }, POLICY);
  private drawn = 0;
  private readonly record = new AttemptRecord(() => `attempt ${(this.drawn += 1)}`);
  private jar: ModelToken = this.session.login;

  take({ by, isLost, afterS }: Step): void {
    this.now += afterS * 1000;
    if (by === 'page') this.keep(this.session.refresh({ token: this.jar, isRelay: true }, this.now), isLost);
    else this.ask(isLost);
  }

  /** The client asks again after a refusal that is not final. */
  private ask(isLost: boolean): void {
    for (let tries = 0; tries < 4; tries += 1) {
      const { attempt, previous } = this.record.begin();
      const answer = this.session.refresh({ token: this.jar, attempt, previous }, this.now);
      if (this.keep(answer, isLost)) {
        if (!isLost) this.record.answered(attempt, this.jar.gen);
        return;
      }
      if (answer.outcome === 'superseded') this.record.superseded(attempt);
      this.now += 5000;
    }
  }

  private keep(answer: ModelAnswer, isLost: boolean): boolean {
    if (!answer.token) return false;
    // A server that renders uses its token, whether or not the page arrives.
    if (!isLost || answer.isRelay) this.session.use(answer, this.now);
    if (!isLost) this.jar = answer.token;
    return true;
  }
}

/** Every row of this many steps. */
function rows(length: number): Step[][] {
  return length === 0 ? [[]] : rows(length - 1).flatMap((row) => STEPS.map((step) => [...row, step]));
}

it('pages and their client, whichever answers are lost: nobody is logged out', () => {
  const ended = rows(4).filter((row) => {
    const honest = new Honest();
    for (const step of row) honest.take(step);
    return honest.session.isEnded;
  });
  expect(ended).toEqual([]);
});
