/** Sorts after every text that begins as another one does. */
const LAST_CHARACTER = '\u{10ffff}';

/**
 * The condition for texts that begin so, which an index answers.
 * @param after only those that sort after this one
 */
export function prefixRange(
  prefix: string,
  after?: string,
): { $lt: string } & ({ $gte: string } | { $gt: string }) {
  return { ...(after === undefined ? { $gte: prefix } : { $gt: after }), $lt: prefix + LAST_CHARACTER };
}
