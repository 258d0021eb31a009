import { MongoServerFault, notImplemented } from './errors.js';
import { splitPath } from './values.js';

/** The parts of a path in a sort, projection or pipeline, where MongoDB is stricter than in a filter. */
export function parseFieldPath(path: string): string[] {
  if (path === '') throw new MongoServerFault(40352, 'FieldPath cannot be constructed with empty string');
  if (path.endsWith('.')) throw new MongoServerFault(40353, "FieldPath must not end with a '.'.");
  const parts = splitPath(path);
  // A trailing `$` is a positional projection; `$meta` and others have a meaning of their own.
  if (parts.length > 1 && parts.some((part) => part.startsWith('$'))) {
    throw notImplemented(`The path ${path}`);
  }
  if (parts.some((part) => part === '')) {
    throw new MongoServerFault(15998, 'FieldPath field names may not be empty strings.');
  }
  if (path.startsWith('$')) {
    throw new MongoServerFault(16410, "FieldPath field names may not start with '$'.");
  }
  return parts;
}
