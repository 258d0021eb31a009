import { abortWith } from './abort.js';
import type { TokenAnswer } from './answers.js';
import { superseded } from './errors.js';
import { createListeners, guarded } from './listeners.js';
import type { AuthState, SignOutReason } from './types.js';

const NOBODY = { user: null, session: null, tokenExpiresAt: null } as const;
const UNKNOWN: AuthState = { status: 'unknown', ...NOBODY };
const SIGNED_OUT: AuthState = { status: 'signed-out', ...NOBODY };

const REMEMBERED_TOKENS = 8;
/** The number of generations that the server remembers. */
const MAX_ROTATIONS = 4;

export type Session = Readonly<ReturnType<typeof createSession>>;

/** How old the latest access tokens are. */
function createAges(stopwatch: () => () => number, graceMs: number) {
  /** The newest first. */
  let ages: (() => number)[] = [];
  const self = {
    current: () => ages[0]?.() ?? 0,
    /** Whether the token is so new that its replacement would be refused for the same reason. */
    isFresh: () => self.current() < graceMs,
    /** Ms until another refresh is allowed; 0 or less if it is allowed now. */
    restMs: () => graceMs - (ages[MAX_ROTATIONS - 1]?.() ?? graceMs),
    add(ageMs: number): void {
      const elapsed = stopwatch();
      ages = [() => ageMs + elapsed(), ...ages].slice(0, MAX_ROTATIONS);
    },
    clear: () => void (ages = []),
  };
  return self;
}

/** Who is signed in, as far as this tab knows. The only place that holds the access token. */
export function createSession(
  stopwatch: () => () => number,
  graceMs: number,
  onSignedOut?: (reason: SignOutReason) => void,
) {
  const listeners = createListeners<AuthState>();
  /** Ids of the sessions that this tab has left: their answers come too late. */
  const left = new Set<string>();
  /** The latest access tokens of this user. */
  let issued: string[] = [];
  const ages = createAges(stopwatch, graceMs);
  let epoch = new AbortController();

  const self = {
    state: UNKNOWN,
    token: null as string | null,
    /** Ms that the access token is valid, counted from its arrival. */
    lifetime: 0,
    /** Ms that the access token is still valid; 0 or less without a valid one. */
    remaining: () => self.lifetime - ages.current(),
    ages,
    /** Aborted when a login, logout or change of password begins: earlier requests must not take effect after it. */
    signal: epoch.signal,
    beginEpoch(): void {
      abortWith(epoch, superseded());
      epoch = new AbortController();
      self.signal = epoch.signal;
    },
    subscribe: (listener: (state: AuthState) => void) => listeners.add(listener, self.state),
    /** Takes over who is signed in, without a token. */
    adopt(state: AuthState): void {
      if (self.state !== UNKNOWN) return;
      self.state = state;
      listeners.call(self.state);
    },
    /** Whether the token was issued to the current user, as far as this tab remembers. */
    hasIssued: (token: string | null) => issued.includes(token as string),
    wasLeft: ({ session }: TokenAnswer) => left.has(session.id),
    /** @param ageMs time since the answer arrived, if another tab received it */
    accept({ accessToken, expiresIn, user: latest, session }: TokenAnswer, ageMs = 0): void {
      const { user: known, session: before } = self.state;
      const { id } = before ?? session;
      issued = [accessToken, ...(known?.id === latest.id ? issued : [])].slice(0, REMEMBERED_TOKENS);
      if (id !== session.id) {
        left.add(id);
        self.beginEpoch();
        ages.clear();
      }
      ages.add(ageMs);
      Object.assign(self, { token: accessToken, lifetime: expiresIn * 1000 });
      // Keep the same object while its content is the same, so that effects that depend on it do not run at each
      // refresh.
      const user = known && JSON.stringify(known) === JSON.stringify(latest) ? known : latest;
      self.state = { status: 'signed-in', user, session, tokenExpiresAt: Date.now() + self.lifetime - ageMs };
      listeners.call(self.state);
    },
    signOut(reason: SignOutReason): void {
      const { status, session } = self.state;
      if (status === 'signed-out') return;
      if (session) left.add(session.id);
      self.beginEpoch();
      issued = [];
      ages.clear();
      Object.assign(self, { token: null, lifetime: 0, state: SIGNED_OUT });
      listeners.call(self.state);
      // A page that opens with nobody signed in is no sign-out.
      if (session || (reason !== 'LOGOUT' && reason !== 'REFRESH_TOKEN_MISSING'))
        guarded(() => onSignedOut?.(reason));
    },
  };
  return self;
}

/** Whether the answer holds an earlier generation of the current session. */
export function isOlder({ session: { id, generation } }: TokenAnswer, { state }: Session): boolean {
  return state.session?.id === id && generation < state.session.generation;
}
