import { orAborted } from './abort.js';
import type { TokenAnswer } from './answers.js';
import type { Environment } from './environment.js';
import { AuthClientError, isFinal } from './errors.js';
import type { Session } from './session.js';
import type { SignOutReason } from './types.js';

/** Requests wait through a pause of this length; for a longer one they fail, and the session is kept. */
const PATIENCE_MS = 1000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A server that was restored from a backup counts lower for good: an older answer is believed in the end. */
const HEALINGS = 2;

export interface RefreshSteps {
  /** One at a time, among all tabs. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Whether the cookie may still be that of a user who left. */
  isOwed(): boolean;
  /** Asks the refresh route once; a new refresh token is stored when it resolves. */
  ask(signal: AbortSignal): Promise<TokenAnswer>;
  accept(answer: TokenAnswer): void;
  signOut(reason: SignOutReason): Promise<void>;
}

/** Gets the next access token: one flight for everybody who waits, repeated with growing pauses where nobody answers. */
export class Refresher {
  /** Called when a pause begins: the time of the next attempt is known. */
  onBackOff = () => {};
  private flight: Promise<void> | null = null;
  private faults = 0;
  fault: AuthClientError | null = null;
  private pause = 0;
  private waited = () => 0;

  constructor(
    private readonly session: Session,
    private readonly steps: RefreshSteps,
    private readonly environment: Environment,
  ) {}

  /**
   * Resolves when the session has another token than before, or is signed out.
   *
   * @throws AuthClientError of a network fault, or `SUPERSEDED`
   */
  refresh(): Promise<void> {
    return (this.flight ??= this.fly().finally(() => (this.flight = null)));
  }

  /** Ms until it is worth another try; not positive where nothing is wrong. */
  get backOff(): number {
    return this.fault ? this.pause - this.waited() : 0;
  }

  /** The network is back, or somebody came home: what was wrong may be over. A server's own `Retry-After` still holds. */
  forgive(): void {
    if (!this.fault?.retryAfter) this.fault = null;
  }

  private async fly(): Promise<void> {
    const { session, steps } = this;
    const { signal, token, state } = session;
    for (;;) {
      if (this.fault && this.backOff > 0) throw this.fault;
      try {
        await steps.exclusively(async () => {
          // What was waited for may have come from another tab.
          if (session.token === token) await this.attempt(signal);
        });
        this.faults = 0;
        this.fault = null;
        return;
      } catch (error) {
        // Another tab told meanwhile who is signed in, or that nobody is.
        if (signal.aborted && session.state !== state) return;
        signal.throwIfAborted();
        const fault = error as AuthClientError;
        if (isFinal(fault)) return steps.signOut(fault.code);
        await this.backDown(fault, signal);
      }
    }
  }

  private async attempt(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.steps.isOwed()) return this.steps.signOut('REFRESH_TOKEN_MISSING');
    let answer = await this.steps.ask(signal);
    // Two refreshes crossed: the cookie jar may hold the older token now. The server gives the newer one for it.
    for (let i = 0; i < HEALINGS && this.session.isOlder(answer); i++) answer = await this.steps.ask(signal);
    signal.throwIfAborted();
    // A late cookie brought back a session that this tab has left: nobody is signed in by accident.
    if (this.session.wasLeft(answer)) return this.steps.signOut('SUPERSEDED');
    this.steps.accept(answer);
  }

  /** Waits if the pause is short. @throws the fault if it is not */
  private async backDown(fault: AuthClientError, signal: AbortSignal): Promise<void> {
    const { random, setTimer, stopwatch } = this.environment;
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.faults++, LONGEST_PAUSE_MS);
    this.pause = Math.max(longest * (0.5 + random() / 2), (fault.retryAfter ?? 0) * 1000);
    this.waited = stopwatch();
    this.fault = fault;
    this.onBackOff();
    if (this.pause > PATIENCE_MS) throw fault;
    await orAborted(new Promise<void>((done) => setTimer(done, this.pause)), signal);
    this.fault = null;
  }
}
