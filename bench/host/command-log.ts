import type { CommandStartedEvent, CommandSucceededEvent, MongoClient } from 'mongodb';

export interface Command {
  /** Such as `findAndModify refresh_tokens`. */
  readonly name: string;
  /** The number of other commands under way when it was sent. */
  readonly beside: number;
}

/** Commands that the driver or the revocation feed send on their own schedule. */
const BACKGROUND = /^(hello|ping|endSessions)|^(find|getMore|aggregate) revocations$/;

/** The commands that an application sends to MongoDB, from `begin` to `take`. */
export class CommandLog {
  private isOn = false;
  private readonly sent: Command[] = [];
  private readonly underWay = new Set<number>();

  follow(client: Pick<MongoClient, 'on'>): void {
    client.on('commandStarted', (event) => this.start(event));
    client.on('commandSucceeded', (event) => this.end(event));
    client.on('commandFailed', (event) => this.end(event));
  }

  begin(): void {
    this.sent.length = 0;
    this.underWay.clear();
    this.isOn = true;
  }

  end({ requestId }: Pick<CommandSucceededEvent, 'requestId'>): void {
    if (this.isOn) this.underWay.delete(requestId);
  }

  take(): Command[] {
    this.isOn = false;
    return [...this.sent];
  }

  private start({ commandName, command, requestId }: CommandStartedEvent): void {
    if (!this.isOn) return;
    const fields = command as Record<string, unknown>;
    // A `getMore` names its cursor first, and the collection in another field.
    const name = `${commandName} ${String(commandName === 'getMore' ? fields['collection'] : fields[commandName])}`;
    if (BACKGROUND.test(name)) return;
    this.sent.push({ name, beside: this.underWay.size });
    this.underWay.add(requestId);
  }
}
