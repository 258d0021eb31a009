import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';

const START_WITHIN_MS = 20_000;
const ANSWER_WITHIN_MS = 1_000;
/** Another process may take a free port before the server does. */
const MAX_STARTS = 5;

/** Whether tests against Redis can run; with `REQUIRE_REDIS=1` they fail if they cannot. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis && process.env.REQUIRE_REDIS === '1')
  throw new Error('REQUIRE_REDIS=1, and there is no redis-server on this machine');
if (!hasRedis) process.stderr.write('\nskipped: no redis-server on this machine\n');

/** A Redis for one test on loopback: it writes nothing to disk, and the test process stops it. */
export class RedisServer {
  private child: ChildProcess | undefined;
  private exited: Promise<void> = Promise.resolve();

  private constructor(
    readonly port: number,
    private readonly folder: string,
    readonly settings: Readonly<Record<string, string>>,
    /** Its configuration lines, if it is a Sentinel. */
    private readonly sentinel: readonly string[] | null,
  ) {}

  /** @param settings added to its configuration */
  static start(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    return RedisServer.startWith(settings, null);
  }

  static startSentinel(lines: readonly string[]): Promise<RedisServer> {
    return RedisServer.startWith({}, lines);
  }

  private static async startWith(
    settings: Readonly<Record<string, string>>,
    sentinel: readonly string[] | null,
  ): Promise<RedisServer> {
    for (let starts = 1; ; starts += 1) {
      const folder = await mkdtemp(join(tmpdir(), 'silent-auth-redis-'));
      const all = { ...settings };
      if ('cluster-enabled' in settings) all['cluster-port'] = String(await freePort());
      const server = new RedisServer(await freePort(), folder, all, sentinel);
      try {
        await server.launch();
        return server;
      } catch (error) {
        await server.dispose();
        if (starts === MAX_STARTS) throw error;
      }
    }
  }

  /** Starts all, or none: if one cannot start, the others end. */
  static async startAll(starts: readonly Promise<RedisServer>[]): Promise<RedisServer[]> {
    const results = await Promise.allSettled(starts);
    const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed) return servers;
    await Promise.all(servers.map((server) => server.dispose()));
    throw failed.reason;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** After {@link stop}: starts again at the same address, empty. */
  async launch(): Promise<void> {
    const child = spawn('redis-server', await this.commandLine(), { stdio: 'ignore' });
    this.child = child;
    this.exited = new Promise((resolve) => child.once('exit', () => resolve()));
    const deadline = performance.now() + START_WITHIN_MS;
    while (!(await this.answers(child))) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}`);
      if (performance.now() > deadline)
        throw new Error(`no answer of redis-server within ${START_WITHIN_MS} ms`);
      await delay(50);
    }
  }

  /** Whether this server answers at its port, and not another one that took it. */
  private async answers({ pid }: ChildProcess): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy(new Error('no answer')));
    try {
      socket.write('INFO server\r\n');
      const [answer] = await once(socket, 'data');
      return String(answer).includes(`process_id:${pid}\r`);
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  private async commandLine(): Promise<string[]> {
    const place = { port: String(this.port), bind: '127.0.0.1', dir: this.folder };
    if (this.sentinel) {
      const file = join(this.folder, 'sentinel.conf');
      const lines = Object.entries(place).map(([name, value]) => `${name} ${value}`);
      await writeFile(file, [...lines, ...this.sentinel, ''].join('\n'));
      return [file, '--sentinel'];
    }
    const settings = { ...place, save: '', appendonly: 'no', ...this.settings };
    return Object.entries(settings).flatMap(([name, value]) => [
      `--${name}`,
      ...(value === '' ? [''] : value.split(' ')),
    ]);
  }

  /** kill -9: its connections break and its data is lost. */
  async stop(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** Accepts connections but answers nothing, like a network that drops all packets. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async dispose(): Promise<void> {
    this.thaw();
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
