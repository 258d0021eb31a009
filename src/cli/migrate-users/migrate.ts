import type { PasswordVerifier } from '../../core/ports.js';
import {
  migrateUsers,
  type UserMigrationOptions,
  type UserMigrationReport,
  type UserMigrationSettings,
} from '../../users/mongo-user.migration.js';
import { pbkdf2Verifier, scryptVerifier } from '../../users/password-verifiers.js';
import { isOneOf, UsageError } from '../command-line.js';
import { withConnection } from '../open-database.js';

/** Used only to recognise hashes, not to verify passwords. */
const VERIFIERS: Readonly<Record<'scrypt' | 'pbkdf2' | 'argon2', () => PasswordVerifier>> = {
  scrypt: scryptVerifier,
  pbkdf2: pbkdf2Verifier,
  argon2: () => ({
    matches: (hash) => /^\$argon2(?:id|i|d)\$/.test(hash),
    verify: () => Promise.resolve(false),
  }),
};
const KINDS = ['scrypt', 'pbkdf2', 'argon2'] as const;

/** @throws UsageError, DatabaseChoiceError, ConfigurationError, AuthError `TEMPORARILY_UNAVAILABLE` */
export async function migrate(
  { hashes, ...options }: UserMigrationOptions & { readonly hashes: readonly string[] },
  settings: UserMigrationSettings,
  variables: NodeJS.ProcessEnv,
): Promise<UserMigrationReport> {
  const verifiers = hashes.map((kind) => {
    if (isOneOf(KINDS, kind)) return VERIFIERS[kind]();
    throw new UsageError(`--hashes accepts ${KINDS.join(', ')}, not '${kind}'`);
  });
  return withConnection(variables, settings.dryRun ? 'read' : 'write', (connection) =>
    migrateUsers(connection, { ...options, password: { verifiers } }, settings),
  );
}

export function migrationText(report: UserMigrationReport, dryRun: boolean): string {
  const { users, fixed, mixedCaseEmails, incomplete, withoutPassword, unknownHashes, unreadable } = report;
  const { duplicateEmails, problems } = report;
  const lines = [
    `users                            ${users}`,
    `${dryRun ? 'to be fixed                     ' : 'fixed                           '} ${fixed}`,
    `addresses not normalised         ${mixedCaseEmails}`,
    `incomplete                       ${incomplete}`,
    `without a password               ${withoutPassword}`,
    `hashes of unknown kind           ${unknownHashes}`,
    `documents that cannot be read    ${unreadable}`,
  ];
  if (duplicateEmails.length > 0)
    lines.push(
      '',
      'These users share an address: decide who keeps it.',
      ...duplicateEmails.map((id) => `  ${id}`),
    );
  if (problems.length > 0)
    lines.push(
      '',
      'Problems that only you can fix (the first hundred):',
      ...problems.map(({ id, problem }) => `  ${id}  ${problem}`),
    );
  return `${lines.join('\n')}\n`;
}
