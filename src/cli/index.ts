/** Parts of the command line that the reference service uses too; not an API for applications. */
export { asksForHelp, parseArguments, UsageError, wrongUsage } from './command-line.js';
export type { CommandResult } from './command-line.js';
export { reportFindings } from './doctor/findings-text.js';
export { readEnvFile } from './env-file.js';
export { explain, journalInUse } from './explain.js';
export { copyJournal } from './journal-copy.js';
export { newSecret } from './new-secret.js';
export { fileVariable, readSecretFiles } from './secret-files.js';
export { closestName } from '../options/unknown-keys.js';
export { developmentKeyFile, readJson } from '../tokens/keys/key-set.js';
