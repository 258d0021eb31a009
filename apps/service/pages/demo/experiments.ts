import type { AuthClient } from 'nestjs-silent-auth-client';
import type { TheftOutcome, TimelineAnswer, TimelineEvent } from '../../src/demo/answers.js';
import { byId, setText } from '../dom.js';
import type { DemoServer } from './demo-server.js';

/** Longer than a client that met a fault waits before it tries again. */
const PATIENCE_MS = 45_000;
const LOOK_EVERY_MS = 500;
/** After this refusal the client replaces a new token, too. */
export const REPLACED = 'ACCESS_TOKEN_REVOKED';
/** The confirmation of a generation is written within half a second, and the grace period has to be over for certain. */
const MARGIN_MS = 700;

interface Surroundings {
  readonly auth: AuthClient;
  readonly server: DemoServer;
  /** Takes the newest timeline from the server, draws and returns it. */
  readonly look: () => Promise<TimelineAnswer>;
  readonly show: (timeline: TimelineAnswer) => void;
  readonly announce: (text: string) => void;
}

/** The buttons that try to break the session. Each says what happened and why; only one runs at a time. */
export class Experiments {
  private readonly buttons = ['lose', 'outage', 'steal', 'wait'].map((id) => byId<HTMLButtonElement>(id));
  private isBusy = false;
  private isSignedIn = false;
  private isStolen = false;

  constructor(private readonly here: Surroundings) {
    byId('second-tab').addEventListener('click', () => this.openTab());
    this.on('lose', 'lose-outcome', (say) => this.lose(say, false));
    this.on('outage', 'lose-outcome', (say) => this.lose(say, true));
    this.on('steal', 'theft-outcome', (say) => this.steal(say));
    this.on('wait', 'theft-outcome', (say) => this.waitOut(say));
  }

  /** A session has begun or ended: what was said of another one goes. */
  reset(isSignedIn: boolean): void {
    this.isSignedIn = isSignedIn;
    this.isStolen = false;
    for (const id of ['second-tab-outcome', 'lose-outcome', 'theft-outcome']) setText(byId(id), '');
    this.enable();
  }

  accept({ stolenGeneration }: TimelineAnswer): void {
    this.isStolen = stolenGeneration !== null;
    this.enable();
  }

  private enable(): void {
    for (const button of this.buttons)
      button.disabled = this.isBusy || (button.id === 'wait' && !this.isStolen);
  }

  private on(id: string, outcomeId: string, run: (say: (text: string) => void) => Promise<string>): void {
    const outcome = byId(outcomeId);
    byId(id).addEventListener('click', () => {
      if (this.isBusy) return;
      this.isBusy = true;
      this.enable();
      void run((text) => setText(outcome, text))
        .catch(() => 'That did not work out: the session ended, or the server cannot be reached.')
        .then((text) => {
          setText(outcome, text);
          this.here.announce(text);
        })
        .finally(() => {
          this.isBusy = false;
          this.enable();
        });
    });
  }

  private openTab(): void {
    window.open('/', '_blank', 'noopener');
    setText(
      byId('second-tab-outcome'),
      'Opened. Watch the names beside the rows: whichever tab is first refreshes for both.',
    );
  }

  private async lose(say: (text: string) => void, isLong: boolean): Promise<string> {
    const { server } = this.here;
    const before = (await this.here.look()).events.at(-1)?.id ?? 0;
    await (isLong ? server.beginOutage() : server.loseResponse());
    say('The server refreshes; its answer is cut off…');
    const event = await this.returned(before, (lost) =>
      say(
        `${lost} ${lost === 1 ? 'answer' : 'answers'} lost. The client keeps trying${isLong ? ', past the grace period' : ''}…`,
      ),
    );
    return event.kind === 'recovered'
      ? `Recovered. The client came back with generation ${event.presentedGeneration} after the grace period. Nobody had used generation ${event.generation}: so its answer was lost, not stolen. It was given again.`
      : `Replayed. The client presented generation ${event.presentedGeneration} again${isLong ? ' after the grace period' : ''}, with the same attempt, and got generation ${event.generation}: the same token that the lost answer held. So it was lost, not stolen, and you noticed nothing.`;
  }

  /** Refreshes until an answer gets through: what the server then made of it. @param before id of the last event that is old */
  private async returned(before: number, onLost: (count: number) => void): Promise<TimelineEvent> {
    const { auth, look } = this.here;
    const deadline = Date.now() + PATIENCE_MS;
    const stale = await auth.getAccessToken();
    while (this.isSignedIn && stale !== null && Date.now() < deadline) {
      // While the answers are lost this fails: that is the point.
      const token = await auth.getAccessToken({ refused: stale, code: REPLACED }).catch(() => stale);
      const timeline = await look().catch(() => null);
      const news = timeline?.events.filter(({ id }) => id > before) ?? [];
      const found = news.findLast(
        ({ kind, caller }) => (kind === 'replayed' || kind === 'recovered') && caller !== 'thief',
      );
      if (found && token !== stale) return found;
      const lost = news.filter(({ kind, isRepeat }) => kind === 'response_lost' && !isRepeat).length;
      if (lost > 0) onLost(lost);
      await pause(LOOK_EVERY_MS);
    }
    throw new Error('no outcome in time');
  }

  private async steal(say: (text: string) => void): Promise<string> {
    this.here.show(await this.here.server.steal());
    say('Copied. You refresh, as always…');
    await this.refreshAndUse();
    say('…and the thief presents the copy.');
    const { theft, timeline } = await this.here.server.replayStolen();
    this.here.show(timeline);
    if (isWithoutKey(theft)) return WORTHLESS;
    if (theft.outcome === 'refused' && theft.code === 'REFRESH_CONTESTED')
      return `Refused, for now: REFRESH_CONTESTED. You replaced generation ${theft.presentedGeneration} by an attempt that the thief does not know. Within the grace period that may be a second tab, so nobody is logged out yet. Now wait out the grace period.`;
    return theft.outcome === 'accepted'
      ? `Let in, for now. Within the grace period a thief looks like a second tab: generation ${theft.presentedGeneration} led them to ${theft.generation}, the token that you have. They got no branch of their own. Now wait out the grace period.`
      : refused(theft);
  }

  private async waitOut(say: (text: string) => void): Promise<string> {
    const { gracePeriodMs } = await this.here.look();
    await this.refreshAndUse();
    const endsAt = Date.now() + gracePeriodMs + MARGIN_MS;
    for (let left = endsAt - Date.now(); left > 0; left = endsAt - Date.now()) {
      say(`You refreshed and continue working. The grace period lasts for ${Math.ceil(left / 1000)} s more…`);
      await pause(Math.min(left, 250));
    }
    const { theft, timeline } = await this.here.server.replayStolen();
    this.here.show(timeline);
    if (isWithoutKey(theft)) return WORTHLESS;
    // This tab learns of it as any would: by its next request.
    await this.here.auth.me().catch(() => undefined);
    return theft.outcome === 'accepted'
      ? `Let in again: generation ${theft.presentedGeneration} led them to ${theft.generation}. Wait once more.`
      : refused(theft);
  }

  /** The access token's first use is the proof that the answer arrived. */
  private async refreshAndUse(): Promise<void> {
    const token = await this.here.auth.getAccessToken();
    if (token !== null) await this.here.auth.getAccessToken({ refused: token, code: REPLACED });
    await this.here.look();
  }
}

/** What a copy of the cookie of a bound session is. */
const WORTHLESS =
  'Refused: PROOF_REQUIRED. The session belongs to a key that never leaves your browser, and the thief has the cookie alone. They got nothing, now or later, and you noticed nothing.';

function isWithoutKey(theft: TheftOutcome): boolean {
  return theft.outcome === 'refused' && theft.code === 'PROOF_REQUIRED';
}

function refused({ presentedGeneration, code }: TheftOutcome & { outcome: 'refused' }): string {
  return code === 'REFRESH_TOKEN_REUSED'
    ? `Caught: REFRESH_TOKEN_REUSED. Generation ${presentedGeneration} came back after its grace period, though its successor had been used. So the answer was not lost: the session ended for both.`
    : `Refused: ${code}.`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
