import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('settable-database.mjs', import.meta.url));

/** A database in its own process, whose clock the test sets. */
export class DatabaseWithAClock {
  private constructor(
    private readonly child: ChildProcess,
    readonly uri: string,
  ) {}

  static async start(): Promise<DatabaseWithAClock> {
    const child = fork(ENTRY, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    const [{ uri }] = (await once(child, 'message')) as [{ uri: string }];
    return new DatabaseWithAClock(child, uri);
  }

  /** Sets the database's clock ahead of the real time by this much. */
  async setAhead(aheadMs: number): Promise<void> {
    const done = once(this.child, 'message');
    this.child.send({ aheadMs });
    await done;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}
