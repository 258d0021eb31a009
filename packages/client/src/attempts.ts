import type { TokenAnswer } from './answers.js';
import type { Records, SessionRecord } from './records.js';

export type Attempts = ReturnType<typeof createAttempts>;

/**
 * Random values that go with the refreshes. Each is drawn and stored before it is sent, and kept until an answer is
 * stored: a thief who copied the token earlier cannot know it.
 */
export function createAttempts(records: Records, isBody: boolean, random: () => number) {
  /** The record as this client last stored it. Another client may share the storage. */
  let known: SessionRecord = {};
  const update: Records['update'] = async (change) => (known = await records.update(change));
  return {
    /** The record with an attempt in it. Without a refresh token in body transport there is nothing to try. */
    begin: () =>
      update((record) =>
        record.attempt || (isBody && !record.refreshToken) ? record : { ...record, attempt: draw(random) },
      ),
    /** Stores the answer before it is used; not if another client has signed in or out since. */
    settle: ({ refreshToken, session: { id, generation } }: TokenAnswer, attempt: string | undefined) =>
      update((record) => {
        if (record.session !== id && record.refreshToken !== known.refreshToken) return record;
        const open = record.attempt === attempt ? undefined : record.attempt;
        // The record already holds a newer answer from another tab.
        if (record.session === id && (record.generation as number) > generation)
          return { ...record, attempt: open, refreshToken };
        return { attempt: open, previous: attempt, session: id, generation, refreshToken };
      }),
    /** The attempt was answered long ago: the next refresh draws another one. */
    supersede: (attempt: string | undefined) =>
      update((record) =>
        record.attempt === attempt ? { ...record, attempt: undefined, previous: attempt } : record,
      ),
    /**
     * Forgets the session; what an unconfirmed logout needs only once it is confirmed. A refresh token that another
     * client has stored since is kept.
     */
    forget: (isLoggedOut?: boolean) =>
      records.update((record) =>
        record.refreshToken !== known.refreshToken || (!isLoggedOut && record.owed) ? record : {},
      ),
    /** Begins another session. */
    reset: (record: SessionRecord) => update(() => record),
    read: () => records.update((record) => record),
    /** Keeps the refresh token for the logout, and for nothing else. Resolves with it. */
    owe: async () =>
      (await update((record) => (record.refreshToken ? { owed: record.refreshToken } : record))).owed,
  };
}

/** 16 bytes in base64url: 21 characters and one that has no bits beyond them. */
function draw(random: () => number): string {
  const bytes = new Uint8Array(21);
  // React Native has no `crypto`. No secret depends on it there.
  if (globalThis.crypto) crypto.getRandomValues(bytes);
  else bytes.forEach((_, index) => (bytes[index] = random() * 256));
  return `${Array.from(bytes, (byte) => (byte % 36).toString(36)).join('')}A`;
}
