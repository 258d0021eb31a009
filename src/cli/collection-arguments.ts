import type { AuthOptions } from '../options/auth-options.js';
import { UsageError } from './command-line.js';

/** Flags of the commands that read users. */
export const COLLECTION_FLAGS = {
  collection: { type: 'string', multiple: true, default: [] as string[] },
  field: { type: 'string', multiple: true, default: [] as string[] },
} as const;

export const COLLECTION_USAGE = `  --collection NAME=COLLECTION   as the option collections has it, such as users=members; may be repeated
  --field NAME=FIELD             as the option users.fields has it, such as passwordHash=password; may be repeated`;

/** The options that the flags stand for. @throws UsageError */
export function collectionOptions({
  collection,
  field,
}: {
  readonly collection: readonly string[];
  readonly field: readonly string[];
}): Pick<AuthOptions, 'collections' | 'users'> {
  return {
    collections: pairs('--collection', collection),
    users: { fields: pairs('--field', field) },
  };
}

/** Which names there are is for the options to say. */
function pairs(flag: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [name, value, ...rest] = text.split('=');
      if (!name || !value || rest.length > 0)
        throw new UsageError(`${flag} takes NAME=VALUE, and '${text}' is not that`);
      return [name, value];
    }),
  );
}
