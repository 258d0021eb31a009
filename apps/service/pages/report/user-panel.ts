import type { AuthClient, AuthUser } from 'nestjs-silent-auth-client';
import { byId } from '../dom.js';
import { type Addresses, offerUsers } from './frame-users.js';
import { LookedUser } from './looked-user.js';
import { QuestionDialog } from './question.js';
import { Problem, wordsOf } from './service.js';
import { type Act, ACTS, type Named } from './user-acts.js';
import { UserForm } from './user-form.js';
import { UserView } from './user-view.js';

/** The log is written off the path of requests: it may hold what was just done only a moment later. */
const LOOKS_FOR_ACT_MS = [0, 250, 1000];

/** One user: his sessions, what happened to him, and what ends an attack on him. */
export class UserPanel {
  private readonly view = new UserView();
  private readonly question = new QuestionDialog();
  private readonly form = new UserForm((id, opener) => void this.look(id, opener));
  private addresses: Addresses = new Map();
  private reader: AuthUser | null = null;
  private looked: LookedUser | null = null;
  /** Whom an order is under way for: one at a time. */
  private ordered: LookedUser | null = null;

  constructor(private readonly auth: Pick<AuthClient, 'fetch'>) {
    for (const act of ACTS)
      byId(act.button).addEventListener('click', () => this.looked && void this.act(act, this.looked));
    byId('again').addEventListener('click', () => this.looked && void this.again(this.looked));
    byId('older').addEventListener('click', () => this.looked && void this.older(this.looked));
    byId('leave').addEventListener('click', () => this.leave());
  }

  /** For whoever reads the page from now on; what the one before him looked into is forgotten. */
  readFor(reader: AuthUser | null): void {
    this.forget();
    this.form.show('');
    this.addresses = new Map();
    this.reader = reader;
  }

  /** The users of the report that is shown become ways here. */
  offer(report: Document): void {
    this.addresses = offerUsers(report, (id, opener) => void this.look(id, opener));
    if (this.looked) this.showName(this.looked.id);
  }

  private async look(id: string, opener: HTMLElement): Promise<void> {
    this.forget();
    const looked = (this.looked = new LookedUser(this.auth, id, opener));
    this.form.show(id);
    this.showName(id);
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
    this.view.clear();
  }

  private leave(): void {
    const opener = this.looked?.opener;
    this.forget();
    // A report that was shown anew has other buttons.
    (opener?.isConnected ? opener : byId('user-id')).focus();
  }

  private async again(looked: LookedUser): Promise<void> {
    looked.leftAs(null);
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
    const user = this.named(looked.id);
    if (act.question && !(await this.question.ask(act.question(user)))) return;
    if (!looked.isWanted || !(await this.order(act, looked, user)) || !looked.isWanted) return;
    looked.leftAs(act.standing);
    this.view.tell(act.done(user.name));
    await this.readUntilTold(looked, act.event);
  }

  /** Whether it was done. */
  private async order({ order }: Act, looked: LookedUser, user: Named): Promise<boolean> {
    this.ordered = looked;
    this.view.setBusy(true);
    this.view.warn([]);
    this.view.tell('');
    try {
      await order(looked.source, user);
      return true;
    } catch (reason) {
      if (looked.isWanted) this.view.warn([wordsOf(reason), ...doubtOf(reason)]);
      return false;
    } finally {
      if (this.ordered === looked) this.ordered = null;
      if (looked.isWanted) this.view.setBusy(false);
    }
  }

  private async readUntilTold(looked: LookedUser, type: string): Promise<void> {
    const known = new Set(looked.events?.map(({ id }) => id));
    for (const wait of LOOKS_FOR_ACT_MS) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (looked.isWanted) await this.read(looked);
      if (!looked.isWanted || looked.events?.some((event) => event.type === type && !known.has(event.id)))
        return;
    }
  }

  private showName(id: string): void {
    const { name } = this.named(id);
    const isKnown = name.includes('@');
    this.view.setName(isKnown ? name : `User ${id}`, isKnown ? id : '');
  }

  private named(id: string): Named {
    const isSelf = id === this.reader?.id;
    const address = isSelf ? this.reader?.email : this.addresses.get(id);
    return { name: address ?? `user ${id}`, isSelf };
  }
}

const doubtOf = (reason: unknown): string[] =>
  reason instanceof Problem && !reason.isUncertain ? [] : ['It may have been done all the same: read again.'];
