import type { Answer, HttpClient } from '../load/http.js';
import type { Credentials, Peer } from './peer.js';

/** A situation that is played against a server, and the statuses that were seen. */
export interface Scenario {
  readonly name: string;
  /** Whether most of it is waiting. */
  readonly waits: boolean;
  play(stage: Stage): Promise<string>;
}

/** What a client or a thief can do at one server. */
export class Stage {
  constructor(
    private readonly peer: Peer,
    private readonly http: HttpClient,
    /** Waits for longer than any grace period. */
    readonly wait: () => Promise<unknown>,
  ) {}

  signIn(): Promise<Credentials> {
    return this.peer.signIn(this.http);
  }

  async refresh(held: Credentials): Promise<Refreshed> {
    const answer = await this.http.send(this.peer.refresh(held));
    return { status: answer.status, held: isServed(answer) ? this.peer.renewed(answer, held) : null };
  }

  /** The status of a guarded request. */
  async use(held: Credentials): Promise<number> {
    return (await this.http.send(this.peer.guarded(held))).status;
  }

  /** The number of different refresh tokens. */
  different(held: readonly Credentials[]): number {
    const { identity = (token: string) => token } = this.peer;
    return new Set(held.map(({ refresh }) => identity(refresh))).size;
  }

  /** Whether the peer has a logout. */
  async logout(held: Credentials): Promise<boolean> {
    if (!this.peer.logout) return false;
    await this.http.expect(this.peer.logout(held));
    return true;
  }
}

interface Refreshed {
  readonly status: number;
  /** Null if the request was refused. */
  readonly held: Credentials | null;
}

const RACES = 10;
const CROWD = 64;

/** The situations of `docs/comparison.md`. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'two refreshes at once',
    waits: false,
    async play(stage) {
      const outcomes: string[] = [];
      for (let race = 0; race < RACES; race += 1) {
        const session = await stage.signIn();
        const both = await Promise.all([stage.refresh(session), stage.refresh(session)]);
        const served = both.flatMap(({ held }) => held ?? []);
        const later = [];
        for (const held of served) later.push((await stage.refresh(held)).status);
        outcomes.push(
          `${statuses(both)} with ${tokens(stage.different(served))}, then ${later.join('/') || 'nothing'}`,
        );
      }
      return tally(outcomes, '; ');
    },
  },
  {
    name: 'the answer is lost, retry after 30 s',
    waits: true,
    async play(stage) {
      const session = await stage.signIn();
      const lost = await stage.refresh(session);
      await stage.wait();
      const retry = await stage.refresh(session);
      if (!lost.held || !retry.held) return `retry ${retry.status}`;
      const isSame = stage.different([lost.held, retry.held]) === 1;
      const later = await stage.refresh(retry.held);
      return `retry ${retry.status} with ${isSame ? 'the same' : 'another'} token, then ${later.status}`;
    },
  },
  {
    name: 'a thief replays the old token',
    waits: true,
    async play(stage) {
      const copied = await stage.signIn();
      const { held: owner } = await stage.refresh(copied);
      if (!owner) return 'no refresh';
      await stage.use(owner);
      await stage.wait();
      const thief = await stage.refresh(copied);
      const [access, next] = [await stage.use(owner), await stage.refresh(owner)];
      const stolen = thief.held ? `, their access ${await stage.use(thief.held)}` : '';
      return `thief ${thief.status}${stolen}; owner: access ${access}, refresh ${next.status}`;
    },
  },
  {
    name: 'a thief refreshes before the owner',
    waits: true,
    async play(stage) {
      const copied = await stage.signIn();
      const { held: thief } = await stage.refresh(copied);
      if (!thief) return 'no refresh';
      await stage.use(thief);
      await stage.wait();
      const owner = await stage.refresh(copied);
      const [access, next] = [await stage.use(thief), await stage.refresh(thief)];
      return `owner ${owner.status}; thief: access ${access}, refresh ${next.status}`;
    },
  },
  {
    name: 'the access token after a logout',
    waits: false,
    async play(stage) {
      const session = await stage.signIn();
      const before = await stage.use(session);
      const isOut = await stage.logout(session);
      return isOut ? `${before} before, ${await stage.use(session)} after` : 'no logout';
    },
  },
  {
    name: '64 refreshes at once',
    waits: false,
    async play(stage) {
      const session = await stage.signIn();
      const crowd = await Promise.all(Array.from({ length: CROWD }, () => stage.refresh(session)));
      const served = crowd.flatMap(({ held }) => held ?? []);
      const counts = tally(
        crowd.map(({ status }) => String(status)),
        ', ',
      );
      const [first] = served;
      const later = first ? `, then ${(await stage.refresh(first)).status}` : '';
      return `${counts} with ${tokens(stage.different(served))}${later}`;
    },
  },
];

function isServed({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

function statuses(refreshes: readonly Refreshed[]): string {
  return refreshes
    .map(({ status }) => status)
    .toSorted((a, b) => a - b)
    .join('/');
}

function tokens(count: number): string {
  return count === 1 ? '1 token' : `${count} tokens`;
}

/** How often each outcome was seen, the most frequent first. */
function tally(outcomes: readonly string[], separator: string): string {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${count} × ${outcome}`)
    .join(separator);
}
