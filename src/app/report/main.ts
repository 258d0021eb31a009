import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { runReportCommand } from './command.js';

const { stdout, stderr } = process;
// Whoever reads the beginning only has had enough.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const { exitCode, output } = await runReportCommand(process.argv.slice(2), process.env, {
  columns: stdout.columns,
  hasColors: stdout.isTTY && stdout.hasColors(),
  write: writePrivate,
});
(exitCode === 0 ? stdout : stderr).write(output);
process.exitCode = exitCode;

/** For the owner alone, also where the file is there already: addresses of people are in it. */
function writePrivate(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    if (fstatSync(file).isFile()) fchmodSync(file, 0o600);
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}
