import type { AuthClient, AuthUser } from 'nestjs-silent-auth-client';
import { byId } from '../dom.js';
import { Acting } from './acting.js';
import { type Addresses, offerUsers } from './frame-users.js';
import { LookedUser } from './looked-user.js';
import { type Asked, QuestionDialog } from './question.js';
import { asProblem, Problem, wordsOf } from './service.js';
import { type Act, ACTS, type Named } from './user-acts.js';
import { UserForm } from './user-form.js';
import type { ActingToken, UserRecord } from './user-source.js';
import { UserView } from './user-view.js';

/** The log is written off the path of requests: it may hold what was just done only a moment later. */
const LOOKS_FOR_ACT_MS = [0, 250, 1000];

const CONFIRM: Asked = {
  title: 'Confirm that it is you',
  text: 'You signed in more than five minutes ago. Enter your password to continue.',
  yes: 'Confirm',
  field: { label: 'Your password', type: 'password', isGood: (typed) => typed !== '' },
};

/** One user: account, sessions, events, and what an administrator can do. */
export class UserPanel {
  private readonly view = new UserView();
  private readonly question = new QuestionDialog();
  private readonly acting = new Acting();
  private readonly form: UserForm;
  private addresses: Addresses = new Map();
  private reader: AuthUser | null = null;
  private looked: LookedUser | null = null;
  /** The user that an order is under way for: one at a time. */
  private ordered: LookedUser | null = null;

  constructor(private readonly auth: Pick<AuthClient, 'fetch' | 'reauthenticate'>) {
    this.form = new UserForm(auth, (user, opener) => void this.look(user, opener));
    for (const act of ACTS)
      byId(act.button).addEventListener('click', () => this.looked && void this.act(act, this.looked));
    byId('again').addEventListener('click', () => this.looked && void this.again(this.looked));
    byId('older').addEventListener('click', () => this.looked && void this.older(this.looked));
    byId('leave').addEventListener('click', () => this.leave());
  }

  /** For who reads the page from now on; what the reader before looked up is forgotten. */
  readFor(reader: AuthUser | null): void {
    this.forget();
    this.form.show('');
    this.addresses = new Map();
    this.reader = reader;
  }

  /** Each user of the report that is shown gets a button that leads here. */
  offer(report: Document): void {
    this.addresses = offerUsers(report, (id, opener) => void this.look({ id }, opener));
    if (this.looked) this.showName(this.looked);
  }

  private async look(user: Pick<UserRecord, 'id' | 'email'> | { id: string }, opener: HTMLElement) {
    this.forget();
    const looked = (this.looked = new LookedUser(this.auth, user.id, opener));
    this.form.show('email' in user ? user.email : user.id);
    this.showName(looked);
    this.view.open();
    this.view.tell('Reading.');
    await this.read(looked);
    if (!looked.isWanted) return;
    this.view.tell('');
    this.view.bringIntoSight();
  }

  private forget(): void {
    this.looked?.drop();
    this.looked = null;
    this.question.close();
    this.acting.clear();
    this.view.clear();
  }

  private leave(): void {
    const opener = this.looked?.opener;
    this.forget();
    // A report that was shown anew has other buttons.
    (opener?.isConnected ? opener : byId('user-id')).focus();
  }

  private async again(looked: LookedUser): Promise<void> {
    this.view.tell('Reading.');
    await this.read(looked);
    if (looked.isWanted) this.view.tell('Read again.');
  }

  private async read(looked: LookedUser): Promise<void> {
    this.view.setBusy(true);
    const problems = await looked.read();
    if (!looked.isWanted) return;
    this.view.setBusy(false);
    this.view.warn(problems.map(wordsOf));
    this.showName(looked);
    this.view.show(looked, this.reader?.id);
  }

  private async older(looked: LookedUser): Promise<void> {
    const shown = this.view.eventCount;
    try {
      if (!(await looked.readOlder()) || !looked.isWanted) return;
      this.view.warn([]);
      this.view.show(looked, this.reader?.id);
      this.view.focusEvent(shown);
    } catch (reason) {
      if (looked.isWanted) this.view.warn([wordsOf(reason)]);
    }
  }

  private async act(act: Act, looked: LookedUser): Promise<void> {
    if (this.ordered === looked) return;
    const user = this.named(looked);
    const typed = await this.question.ask(act.question(user));
    if (typed === null || !looked.isWanted) return;
    const made = await this.order(act, looked, (source) => act.order(source, user, typed));
    if (made === null || !looked.isWanted) return;
    if (act.isLast) this.leave();
    this.view.tell(act.done(user.name, typed));
    if (act.isLast) return;
    this.acting.clear();
    if (made) this.acting.show(made, user.name);
    await this.readUntilLogged(looked, act.event);
  }

  /** Gives what the order made; null: it was not done. */
  private async order(
    act: Act,
    looked: LookedUser,
    send: (source: LookedUser['source']) => ReturnType<Act['order']>,
  ): Promise<ActingToken | undefined | null> {
    this.ordered = looked;
    this.view.setBusy(true);
    this.view.warn([]);
    this.view.tell('');
    try {
      return (await this.confirmed(() => send(looked.source), looked)) ?? undefined;
    } catch (reason) {
      if (looked.isWanted && reason !== CANCELLED) this.view.warn([wordsOf(reason), ...doubtOf(reason, act)]);
      return null;
    } finally {
      if (this.ordered === looked) this.ordered = null;
      if (looked.isWanted) this.view.setBusy(false);
    }
  }

  /** Some orders want a fresh password. */
  private async confirmed<T>(send: () => Promise<T>, looked: LookedUser): Promise<T> {
    try {
      return await send();
    } catch (reason) {
      if (!(reason instanceof Problem) || reason.code !== 'REAUTHENTICATION_REQUIRED') throw reason;
    }
    const password = await this.question.ask(CONFIRM);
    if (password === null || !looked.isWanted) throw CANCELLED;
    await this.auth.reauthenticate({ password }).catch((reason: unknown) => {
      throw asProblem(reason);
    });
    return send();
  }

  private async readUntilLogged(looked: LookedUser, type: string): Promise<void> {
    const known = new Set(looked.events?.map(({ id }) => id));
    for (const wait of LOOKS_FOR_ACT_MS) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (looked.isWanted) await this.read(looked);
      if (!looked.isWanted || looked.events?.some((event) => event.type === type && !known.has(event.id)))
        return;
    }
  }

  private showName(looked: LookedUser): void {
    const { name, id } = this.named(looked);
    const isKnown = name.includes('@');
    this.view.setName(isKnown ? name : `User ${id}`, isKnown ? id : '');
  }

  private named({ id, record }: LookedUser): Named {
    const isSelf = id === this.reader?.id;
    const address = record?.email ?? (isSelf ? this.reader?.email : this.addresses.get(id));
    return { id, name: address ?? `user ${id}`, roles: record?.roles ?? [], isSelf };
  }
}

/** The reader changed their mind. */
const CANCELLED = new Error('cancelled');

/** A token that was made and lost is of no use to anybody. */
const doubtOf = (reason: unknown, { button }: Act): string[] =>
  (reason instanceof Problem && !reason.isUncertain) || button === 'impersonate'
    ? []
    : ['It may have been done: read again.'];
