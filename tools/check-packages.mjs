// Checks that each published package resolves, with its types, in every module system.
import { spawnSync } from 'node:child_process';

for (const folder of ['.', 'packages/client', 'packages/embedded-mongo'])
  for (const check of [
    ['publint', '--strict', folder],
    ['attw', '--pack', folder],
  ]) {
    const { status } = spawnSync('npx', ['--no-install', ...check], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
