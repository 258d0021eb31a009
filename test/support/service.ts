import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { databaseUri } from './database.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { Api, COOKIE } from './http.js';

const ENTRY = fileURLToPath(new URL('../../apps/service/dist/main.js', import.meta.url));
/** For {@link Service.start}: the test moves the clock of sessions and tokens with {@link Service.advance}. */
export const HELD_CLOCK: readonly string[] = [
  '--import',
  pathToFileURL(fileURLToPath(new URL('held-clock.mjs', import.meta.url))).href,
];
/** For {@link Service.start}: the clock of sessions, tokens and limits stands still. */
export const STILL_CLOCK: readonly string[] = [
  '--import',
  pathToFileURL(fileURLToPath(new URL('still-clock.mjs', import.meta.url))).href,
];
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;

/** A value of `undefined` removes a default. */
export type Environment = Record<string, string | undefined>;

export const ISSUER = 'https://issuer.example.com';
export const AUDIENCE = 'https://api.example.com';
/** Known to the tests, so that an attack test can sign what only a leaked key could. */
export const ACCESS_SECRET = randomBytes(36).toString('base64url');
export const REFRESH_SECRET = randomBytes(36).toString('base64url');

/** A service that may introspect and revoke, if a test configures it. */
export const CLIENT = { id: 'gateway', secret: randomBytes(36).toString('base64url') };
export const INTROSPECTION_CLIENTS = `${CLIENT.id}:${CLIENT.secret}`;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The reference service in its own process, as an operator runs it: configured only by its environment. */
export class Service {
  readonly origin: string;
  /** Everything the process has written so far to both streams. */
  output = '';
  /** Where the output of the last start begins. */
  private launchedAt = 0;
  private child: ChildProcess | undefined;
  private exited: Promise<number | null> = Promise.resolve(null);
  private clockAheadMs = 0;

  private constructor(
    readonly port: number,
    private environment: Environment,
    private readonly dataDir: string,
    /** Arguments of Node itself, such as `--import`. */
    private readonly execArgv: readonly string[],
    private readonly entry: string,
  ) {
    this.origin = `http://127.0.0.1:${port}`;
  }

  /** @param entry the main file, to start another build than this one */
  static async start(
    overrides: Environment = {},
    execArgv: readonly string[] = [],
    entry = ENTRY,
  ): Promise<Service> {
    for (;;) {
      const service = await Service.prepare(overrides, execArgv, entry);
      await service.launch();
      try {
        await service.untilReady();
        return service;
      } catch (error) {
        // Another process has taken the port in the meantime.
        if (overrides.PORT !== undefined || !service.output.includes(`Port ${service.port} is in use`))
          throw error;
      }
    }
  }

  /** Starts a service that is expected to refuse; returns its output and exit code. */
  static async refusal(overrides: Environment): Promise<{ exitCode: number | null; output: string }> {
    const service = await Service.prepare(overrides);
    await service.launch();
    const timeout = new AbortController();
    const exitCode = await Promise.race([
      service.exited,
      delay(START_WITHIN_MS, 'still running' as const, { signal: timeout.signal, ref: false }),
    ]);
    timeout.abort();
    const { output } = service;
    await service.dispose();
    if (exitCode === 'still running') throw new Error(`the service did not refuse to start:\n${output}`);
    return { exitCode, output };
  }

  private static async prepare(
    overrides: Environment,
    execArgv: readonly string[] = [],
    entry = ENTRY,
  ): Promise<Service> {
    const dataDir = await mkdtemp(join(tmpdir(), 'silent-auth-'));
    const environment: Environment = {
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      HTTP_ADAPTER: 'express',
      MONGODB_URI: 'MONGODB_URI' in overrides ? undefined : databaseUri('service'),
      DATA_DIR: dataDir,
      ISSUER,
      AUDIENCE,
      JWT_ACCESS_KEYS: ACCESS_SECRET,
      JWT_REFRESH_KEYS: REFRESH_SECRET,
      BCRYPT_COST: '4',
      THROTTLE: 'off',
      COOKIE_NAME: COOKIE,
      ...overrides,
    };
    const port = overrides.PORT === undefined ? await freePort() : Number(overrides.PORT);
    return new Service(port, environment, dataDir, execArgv, entry);
  }

  get settings(): Readonly<Environment> {
    return this.environment;
  }

  api(headers: Record<string, string> = {}): Api {
    return new Api(this.origin, headers);
  }

  /**
   * Sends SIGTERM and expects the process to end within ten seconds, as the service promises. Returns its
   * exit code.
   */
  async stop(): Promise<number | null> {
    const { child } = this;
    if (child === undefined) return null;
    child.kill('SIGTERM');
    const timeout = new AbortController();
    const outcome = await Promise.race([
      this.exited.then(() => 'gone' as const),
      delay(STOP_WITHIN_MS, 'late' as const, { signal: timeout.signal }),
    ]);
    timeout.abort();
    if (outcome === 'gone') return this.exited;
    await this.kill();
    throw new Error(`the service was not gone ${STOP_WITHIN_MS} ms after SIGTERM:\n${this.output}`);
  }

  /** Moves the clock of a service that was started with {@link HELD_CLOCK}; a restart keeps it. */
  async advance(ms: number): Promise<void> {
    this.clockAheadMs += ms;
    if (!this.child?.connected) throw new Error('the service was not started with HELD_CLOCK');
    const moved = once(this.child, 'message');
    this.child.send(this.clockAheadMs);
    await moved;
  }

  /** The output since the last start, once the banner is in it: nothing orders it and the first answers. */
  async untilBanner(): Promise<string> {
    const isThere = (output: string): boolean => /is running at [^]*\n\n/.test(output);
    const output = await eventually(async () => this.output.slice(this.launchedAt), isThere);
    if (!isThere(output)) throw new Error(`no banner:\n${output}`);
    return output;
  }

  /** The time on the service's clock. */
  now(): number {
    return Date.now() + this.clockAheadMs;
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  /** kill -9: nothing is flushed. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** Restarts with the same port, data directory and environment, changed by `overrides`. */
  async restart(overrides: Environment = {}): Promise<void> {
    await this.stop();
    this.environment = { ...this.environment, ...overrides };
    await this.launch();
    await this.untilReady();
  }

  async dispose(): Promise<void> {
    try {
      await this.stop();
    } finally {
      await rm(this.dataDir, { recursive: true, force: true });
    }
  }

  private async launch(): Promise<void> {
    const environment: Environment = { PATH: process.env.PATH, PORT: String(this.port), ...this.environment };
    const isClockHeld = this.execArgv === HELD_CLOCK;
    if (isClockHeld) environment.TEST_CLOCK_AHEAD_MS = String(this.clockAheadMs);
    const child = spawn(process.execPath, [...this.execArgv, this.entry], {
      cwd: this.dataDir,
      env: Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined)),
      stdio: ['ignore', 'pipe', 'pipe', ...(isClockHeld ? (['ipc'] as const) : [])],
    });
    running.add(child);
    this.child = child;
    this.launchedAt = this.output.length;
    const write = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    child.stdout?.on('data', write);
    child.stderr?.on('data', write);
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        running.delete(child);
        if (this.child === child) this.child = undefined;
        resolve(code);
      });
    });
  }

  private async untilReady(): Promise<void> {
    const deadline = performance.now() + START_WITHIN_MS;
    while (this.child !== undefined && performance.now() < deadline) {
      const ready = await this.api()
        .send('GET', '/health/ready')
        .catch(() => undefined);
      if (ready?.status === 200) return;
      await delay(50);
    }
    const gone = this.child === undefined;
    const { output } = this;
    await this.kill();
    await this.dispose();
    throw new Error(`the service ${gone ? 'ended before it was ready' : 'did not get ready'}:\n${output}`);
  }
}
