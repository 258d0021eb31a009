import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { HostConfig, HostKeys } from './host-app.js';
import type { HostCalls, Question, Reply, Usage } from './remote.js';

const PROCESS = fileURLToPath(new URL('./host-process.js', import.meta.url));

/**
 * One of the applications, from the bench's side: an origin to send requests to, and what its process reports about
 * it.
 */
export class MeasuredHost {
  constructor(
    readonly origin: string,
    readonly keys: HostKeys,
    private readonly index: number,
    private readonly calls: HostCalls,
  ) {}

  /** The usage of the process, which several hosts may share. */
  usage(): Promise<Usage> {
    return this.calls.usage();
  }

  /** The commands that the application sends to MongoDB while `use` runs. */
  async commandsOf(use: () => Promise<unknown>) {
    await this.calls.beginCommands(this.index);
    await use();
    return this.calls.takeCommands(this.index);
  }

  sessionBytes(sessionId: string): Promise<number> {
    return this.calls.sessionBytes(this.index, sessionId);
  }

  fill(sessionId: string, count: number): Promise<void> {
    return this.calls.fill(this.index, sessionId, count);
  }

  fillAuditLog(rows: number): Promise<void> {
    return this.calls.fillAuditLog(this.index, rows);
  }

  makeAdministrator(userId: string): Promise<void> {
    return this.calls.makeAdministrator(this.index, userId);
  }
}

export interface HostProcessOptions {
  readonly uri: string;
  readonly keys: HostKeys;
  /** Options of Node for the process, such as `--cpu-prof`. */
  readonly execArgv: readonly string[];
}

/** Starts the hosts in their own process, and ends it after `use`, whatever happens. */
export async function withHostProcess<T>(
  { uri, keys, execArgv }: HostProcessOptions,
  configs: readonly HostConfig[],
  use: (hosts: MeasuredHost[]) => Promise<T>,
): Promise<T> {
  const child = fork(PROCESS, [], {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let asked = 0;

  child.on('message', (reply: Reply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) waiter?.reject(new Error(reply.error));
    else waiter?.resolve(reply.value);
  });
  child.once('exit', (code) => {
    for (const waiter of waiting.values())
      waiter.reject(new Error(`the process of the hosts ended with ${code}`));
  });

  const calls = new Proxy({} as HostCalls, {
    get:
      (_, call: keyof HostCalls) =>
      (...args: readonly unknown[]) =>
        new Promise((resolve, reject) => {
          asked += 1;
          waiting.set(asked, { resolve, reject });
          child.send({ id: asked, call, args } satisfies Question, (error) => error && reject(error));
        }),
  });

  try {
    const origins = await calls.start(uri, keys, configs);
    const result = await use(origins.map((origin, index) => new MeasuredHost(origin, keys, index, calls)));
    await calls.stop();
    return result;
  } finally {
    if (child.connected) child.disconnect();
    await exited;
  }
}
