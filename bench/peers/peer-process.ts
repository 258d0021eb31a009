import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../host/free-port.js';
import type { Usage } from '../host/remote.js';
import { cpuMsOf } from './cpu-time.js';
import type { Peer, PeerServer } from './peer.js';

const run = promisify(execFile);
const INSTALL_WITHIN_MS = 5 * 60_000;
const START_WITHIN_MS = 60_000;
const KEPT_CHARACTERS = 4_000;
/** `TypeError: …`, `[MongoServerError: …`, `npm error …` */
const ERROR_LINE = /\w*Error(?: \[\w+\])?: \S.*|npm error .*/;

export interface PeerResources {
  /** A database of its own. */
  readonly mongodbUri: string;
  readonly redisUrl: string | null;
}

const running = new Set<ChildProcess>();
// The bench may end without a word, such as at its deadline.
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A peer's server in a process of its own. */
export class PeerProcess {
  private constructor(
    readonly origin: string,
    private readonly child: ChildProcess,
    private readonly errors: ErrorOutput,
  ) {}

  /** @throws with the reason, in one sentence, if the peer cannot be installed or does not start */
  static async start({ server }: Peer, { mongodbUri, redisUrl }: PeerResources): Promise<PeerProcess> {
    if (server.needsRedis && redisUrl === null) throw new Error('this machine has no redis-server');
    if (server.isInstalled) await install(server);
    const port = await freePort();
    const child = spawn(process.execPath, [server.script], {
      cwd: fileURLToPath(server.folder),
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        PORT: String(port),
        MONGODB_URI: mongodbUri,
        ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
        ...server.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const started = new PeerProcess(`http://127.0.0.1:${port}`, child, new ErrorOutput(child));
    await started.isReady(server.readyWhen ?? 'listening');
    return started;
  }

  async usage(): Promise<Usage> {
    return { cpuMs: await cpuMsOf(this.child.pid ?? 0) };
  }

  /** Why something failed, in one sentence: the error that the server wrote, otherwise what a client saw. */
  reason(error: unknown): string {
    return this.errors.line ?? oneLine(messageOf(error));
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  private async isReady(readyWhen: string): Promise<void> {
    const { stdout } = this.child;
    let printed = '';
    const isPrinted = new Promise<'ready'>((resolve) => {
      stdout?.on('data', (chunk: Buffer) => {
        // Kept short: a server may log every request.
        printed = (printed + chunk.toString()).slice(-KEPT_CHARACTERS);
        if (printed.includes(readyWhen)) resolve('ready');
      });
    });
    const ended = once(this.child, 'exit').then(() => 'it ended before it listened');
    const late = new Promise<string>((resolve) => {
      setTimeout(() => resolve('it did not listen within a minute'), START_WITHIN_MS).unref();
    });
    const outcome = await Promise.race([isPrinted, ended, late]);
    if (outcome === 'ready') return;
    await this.stop();
    throw new Error(this.reason(outcome));
  }
}

/** The first error that a server wrote. */
class ErrorOutput {
  private text = '';

  constructor({ stderr }: ChildProcess) {
    stderr?.on('data', (chunk: Buffer) => {
      if (this.text.length < KEPT_CHARACTERS) this.text += chunk.toString();
    });
  }

  get line(): string | null {
    const [line] = ERROR_LINE.exec(this.text) ?? [];
    return line === undefined ? null : oneLine(line);
  }
}

/** `npm ci`, unless an earlier run has done it: npm writes this file last. */
async function install({ folder }: PeerServer): Promise<void> {
  if (existsSync(new URL('node_modules/.package-lock.json', folder))) return;
  try {
    const options = { cwd: fileURLToPath(folder), timeout: INSTALL_WITHIN_MS };
    await run('npm', ['ci', '--ignore-scripts'], options);
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    const [line] = ERROR_LINE.exec(output) ?? [output];
    throw new Error(`it cannot be installed: ${oneLine(line)}`);
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
