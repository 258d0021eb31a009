import type { AuthOptions } from '../options/auth-options.js';
import { UsageError } from './command-line.js';

/** Flags of the commands that read users. */
export const COLLECTION_FLAGS = {
  collection: { type: 'string', multiple: true, default: [] as string[] },
  field: { type: 'string', multiple: true, default: [] as string[] },
} as const;

export const COLLECTION_USAGE = `  --collection NAME=COLLECTION   an entry of the option collections, such as users=members; may be repeated
  --field NAME=FIELD             an entry of the option users.fields, such as passwordHash=password; may be repeated`;

/** Converts the flags to options. @throws UsageError */
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

/** Splits NAME=VALUE. The options check the names. */
function pairs(flag: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [name, value, ...rest] = text.split('=');
      if (!name || !value || rest.length > 0) throw new UsageError(`${flag} needs NAME=VALUE, not '${text}'`);
      return [name, value];
    }),
  );
}
