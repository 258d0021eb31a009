import type { TokenAnswer } from './answers.js';
import type { Records, SessionRecord } from './records.js';

export type Attempts = ReturnType<typeof createAttempts>;

/**
 * Random values that go with the refreshes. Each is drawn and stored before it is sent, and kept until an answer is
 * stored: a thief who copied the token earlier cannot know it.
 */
export function createAttempts({ update }: Records, isBody: boolean, random: () => number) {
  return {
    /** The record with an attempt in it. Without a refresh token in body transport there is nothing to try. */
    begin: () =>
      update((record) =>
        record.attempt || (isBody && !record.refreshToken) ? record : { ...record, attempt: draw(random) },
      ),
    /** Stores the answer before it is used. */
    settle: ({ refreshToken, session: { id, generation } }: TokenAnswer, attempt: string | undefined) =>
      update((record) => {
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
    /** A refresh token that came without a refresh. */
    keep: (refreshToken: string | undefined) =>
      update((record) => (refreshToken ? { ...record, refreshToken } : record)),
    /** Forgets the session, but for what its logout needs. */
    forget: () => update((record) => (record.owed ? record : {})),
    /** Begins another session, or none. */
    reset: (record: SessionRecord = {}) => update(() => record),
    read: () => update((record) => record),
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
