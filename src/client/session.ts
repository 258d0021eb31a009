import type { TokenAnswer } from './answers.js';
import { superseded } from './errors.js';
import type { AuthState, SignOutReason } from './types.js';

const NOBODY = { user: null, session: null, tokenExpiresAt: null } as const;
export const UNKNOWN: AuthState = { status: 'unknown', ...NOBODY };
const SIGNED_OUT: AuthState = { status: 'signed-out', ...NOBODY };

const REMEMBERED_TOKENS = 8;

/** Who is signed in, as far as this tab knows. The access token is kept here, and nowhere else. */
export class Session {
  state = UNKNOWN;
  token: string | null = null;
  /** Ms that the access token lives, counted from its arrival. */
  lifetime = 0;
  private age = () => 0;
  private epoch = new AbortController();
  /** Sessions that were left: an answer of theirs is late, whatever it says. */
  private readonly left = new Set<string>();
  /** The latest tokens of this user. */
  private issued: string[] = [];
  private readonly listeners = new Set<(state: AuthState) => void>();

  constructor(
    private readonly stopwatch: () => () => number,
    private readonly onSignedOut: ((reason: SignOutReason) => void) | undefined,
  ) {}

  /** Aborted when a login, logout or change of password begins: what was asked before must not take effect after. */
  get signal(): AbortSignal {
    return this.epoch.signal;
  }

  beginEpoch(): AbortSignal {
    this.epoch.abort(superseded());
    this.epoch = new AbortController();
    return this.signal;
  }

  /** Ms of life that the access token has left; not positive where it has none. */
  get remaining(): number {
    return this.lifetime - this.age();
  }

  /** A token of the user who is signed in, as far back as a request may have taken. */
  hasIssued(token: string | null): boolean {
    return this.issued.includes(token as string);
  }

  wasLeft({ session }: TokenAnswer): boolean {
    return this.left.has(session.id);
  }

  /** Generations are counted for each session of their own. */
  isOlder({ session: { id, generation } }: TokenAnswer): boolean {
    const known = this.state.session;
    return known?.id === id && generation < known.generation;
  }

  /** @param ageMs how long ago the answer came, where another tab had it first */
  accept({ accessToken, expiresIn, user, session }: TokenAnswer, ageMs = 0): void {
    const { id } = this.state.session ?? session;
    const earlier = this.state.user?.id === user.id ? this.issued : [];
    this.issued = [accessToken, ...earlier].slice(0, REMEMBERED_TOKENS);
    if (id !== session.id) {
      this.left.add(id);
      this.beginEpoch();
    }
    const ticked = this.stopwatch();
    this.age = () => ageMs + ticked();
    this.lifetime = expiresIn * 1000;
    this.token = accessToken;
    this.show({ status: 'signed-in', user, session, tokenExpiresAt: Date.now() + this.lifetime - ageMs });
  }

  signOut(reason: SignOutReason): void {
    const { status, session } = this.state;
    if (status === 'signed-out') return;
    if (session) this.left.add(session.id);
    this.beginEpoch();
    this.token = null;
    this.issued = [];
    this.lifetime = 0;
    this.show(SIGNED_OUT);
    // That nobody was signed in when the page was opened is no event.
    if (session || !/^(LOGOUT|REFRESH_TOKEN_MISSING)$/.test(reason)) tell(() => this.onSignedOut?.(reason));
  }

  subscribe(listener: (state: AuthState) => void): () => void {
    // A function of its own for each call: one listener may be given twice.
    const entry = (state: AuthState) => listener(state);
    this.listeners.add(entry);
    return () => this.listeners.delete(entry);
  }

  private show(state: AuthState): void {
    this.state = state;
    for (const listener of [...this.listeners]) tell(() => listener(state));
  }
}

/** A listener that throws must not come between the client and its token: the error is the page's. */
function tell(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
