/** Parts of the command line that the reference service shares; no API for applications. */
export { asksForHelp, parseArguments, UsageError, wrongUsage } from './command-line.js';
export type { CommandResult } from './command-line.js';
export { reportFindings } from './doctor/findings-text.js';
export { explain } from './explain.js';
export { newSecret } from './new-secret.js';
export { fileVariable, readSecretFiles } from './secret-files.js';
export { developmentKeyFile, readJson } from '../tokens/keys/key-set.js';
