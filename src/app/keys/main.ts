import { runKeysCommand } from './command.js';

const { exitCode, output } = runKeysCommand(process.argv.slice(2), process.env, new Date());
(exitCode === 0 ? process.stdout : process.stderr).write(output);
process.exitCode = exitCode;
