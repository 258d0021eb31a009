import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { DatabaseProxy } from '../../../test/support/database-proxy.js';
import { eventually } from '../../../test/support/eventually.js';
import { freePort, isListening } from '../../../test/support/free-port.js';
import { Service } from '../../../test/support/service.js';

const ENTRY = fileURLToPath(new URL('../dist/main.js', import.meta.url));

it('an interruption while the administrator is being created does not lose their password', async () => {
  const line = await DatabaseProxy.open('interrupted');
  const dataDir = mkdtempSync(join(tmpdir(), 'silent-auth-interrupted-'));
  const port = await freePort();
  // Held back before it could create the account.
  line.freezeAt('insert', 'users');
  const child = spawn(process.execPath, [ENTRY], {
    cwd: dataDir,
    env: { PATH: process.env.PATH, PORT: String(port), MONGODB_URI: line.uri, BCRYPT_COST: '4' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    expect(await eventually(async () => line.isHolding('insert'), Boolean)).toBe(true);
    expect(await isListening(port)).toBe(true);
    child.kill('SIGINT');
    // Nothing shows that the signal has arrived.
    await delay(1_000);
    line.thaw();
    expect(await exited).toBe(0);
    const [, email = '', password = ''] = /administrator: (\S+)\n +password: (\S+)/.exec(output) ?? [];
    expect(output).not.toContain('is running at');
    const service = await Service.start({ MONGODB_URI: line.uri });
    try {
      expect((await service.api().login({ email, password })).status).toBe(200);
    } finally {
      await service.dispose();
    }
  } finally {
    child.kill('SIGKILL');
    await line.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
