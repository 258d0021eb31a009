/** Appended to a prefix, it sorts after every text with that prefix. */
const LAST_CHARACTER = '\u{10ffff}';

/**
 * A filter for texts with a prefix, which an index can answer.
 * @param after only texts that sort after this one
 */
export function prefixRange(
  prefix: string,
  after?: string,
): { $lt: string } & ({ $gte: string } | { $gt: string }) {
  return { ...(after === undefined ? { $gte: prefix } : { $gt: after }), $lt: prefix + LAST_CHARACTER };
}
