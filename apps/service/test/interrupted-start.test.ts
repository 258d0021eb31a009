import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  // Hashing at this cost takes long enough for the signal to arrive during it.
  const child = spawn(process.execPath, [ENTRY], {
    cwd: dataDir,
    env: { PATH: process.env.PATH, PORT: String(port), MONGODB_URI: line.uri, BCRYPT_COST: '14' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    await eventually(() => isListening(port), Boolean);
    line.freeze();
    await eventually(async () => line.isHolding('users'), Boolean);
    child.kill('SIGINT');
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
