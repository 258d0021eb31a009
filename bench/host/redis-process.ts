import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

/** Runs `use` with its own Redis on loopback; null if this machine has none. */
export async function withRedis<T>(use: (url: string) => Promise<T>): Promise<T | null> {
  const folder = await mkdtemp(join(tmpdir(), 'silent-auth-bench-'));
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = () => void child.kill();
  process.once('exit', end);
  try {
    const isThere = await Promise.race([isReady(child.stdout), once(child, 'error').then(() => false)]);
    return isThere ? await use(`redis://127.0.0.1:${port}`) : null;
  } finally {
    process.removeListener('exit', end);
    if (child.pid !== undefined) {
      child.kill();
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  }
}

async function isReady(output: AsyncIterable<Buffer>): Promise<boolean> {
  let text = '';
  for await (const chunk of output) {
    text += chunk.toString();
    if (text.includes('Ready to accept connections')) return true;
  }
  return false;
}
